"""What the operator sees of a running call; run by test_admin_calls.py in a network namespace."""
import asyncio
import json
import re
import urllib.error
import urllib.request

from clients import run
from gst_peer import GstPeer
from lyceum import PASSWORD, Server

ROOM = "algebra@conference.localhost"
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


def http(server, method, path, body=None, token=None):
    request = urllib.request.Request(f"http://127.0.0.1:{server.http}{path}", method=method,
                                     data=json.dumps(body).encode() if body else None)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        answer = urllib.request.urlopen(request, timeout=10)
    except urllib.error.HTTPError as e:
        answer = e
    text = answer.read().decode()
    return answer.status, json.loads(text) if text.startswith("{") else text


def metric(server, name):
    text = http(server, "GET", "/metrics")[1]
    return float(re.search(rf"^lyceum_{name} (\S+)$", text, re.M).group(1))


def check_flow(flow, is_live):
    assert 0 <= flow["loss"] <= 1 and flow["jitter_ms"] >= 0
    assert not is_live or flow["bitrate_bps"] > 1000, flow


def check_call(body, peers):
    assert TIME.match(body["now"])
    assert body["server"]["sessions"] == len(peers) and body["server"]["rss_bytes"] > 1 << 20
    assert [c["room"] for c in body["calls"]] == [ROOM]
    call = body["calls"][0]
    assert TIME.match(call["started"]) and len(call["participants"]) == len(peers)
    for part in call["participants"]:
        peer = next(p for p in peers if p.nick == part["endpoint"])
        assert part["jid"] == peer.client.boundjid.full and part["user"] == peer.client.boundjid.bare
        assert part["device"] == "GStreamer" and part["state"] == "connected"
        assert TIME.match(part["joined"]) and part["remote"].startswith("192.0.2.2:")
        assert part["rtt_ms"] >= 0 and part["dominant"] in (True, False)
        check_flow(part["up"], True)
        check_flow(part["down"], True)
        sources = {s["name"]: s for s in part["sources"]}
        assert set(sources) == {f"{peer.nick}-a0", f"{peer.nick}-v0"}
        assert sources[f"{peer.nick}-v0"]["video_type"] == "camera"
        for source in sources.values():
            assert source["muted"] is False and source["ssrc"] > 0 and source["packets"] > 0
            check_flow(source, True)
    assert {u["jid"] for u in body["users"]} == {p.client.boundjid.bare for p in peers}
    assert all(u["call"] == call["id"] and TIME.match(u["since"]) for u in body["users"])
    return call["id"]


def scene(server):
    async def main():
        peers = [GstPeer(server, user) for user in ("teacher", "student1")]
        token = http(server, "POST", "/api/v1/login",
                     {"jid": "operator@localhost", "password": PASSWORD})[1]["token"]
        try:
            for peer in peers:
                await peer.join(ROOM)
                await asyncio.wait_for(peer.accepted.wait(), 15)
                await asyncio.wait_for(peer.connected.wait(), 15)
            call = None
            for attempt in range(20):
                await asyncio.sleep(0.5)
                _, body = http(server, "GET", "/api/v1/calls", token=token)
                try:
                    call = check_call(body, peers)
                    break
                except (AssertionError, StopIteration):
                    if attempt == 19:
                        print(json.dumps(body, indent=1))
                        raise
            await check_others(server, token, call)
            assert http(server, "DELETE", f"/api/v1/calls/{call}", token=token)[0] == 204
            last = json.loads(server.ctl("audit", "--last", "1", "--json").stdout)[0]
            assert (last["who"], last["what"], last["object"]) == (
                "operator@localhost", "call end", call)
            for peer in peers:
                await asyncio.wait_for(peer.terminated.wait(), 5)
            assert http(server, "DELETE", f"/api/v1/calls/{call}", token=token)[0] == 404
            assert http(server, "GET", "/api/v1/calls", token=token)[1]["calls"] == []
        finally:
            for peer in peers:
                peer.close()
                peer.client.abort()
    run(main())


async def check_others(server, token, call):
    """lyceumctl, rooms and metrics agree with it."""
    listed = json.loads(server.ctl("calls", "--json").stdout)
    assert [c["id"] for c in listed] == [call] and listed[0]["n_participants"] == 2
    assert call in server.ctl("calls").stdout
    rooms = http(server, "GET", "/api/v1/rooms", token=token)[1]["rooms"]
    assert [r["call"] for r in rooms if r["jid"] == ROOM] == [True]
    assert metric(server, "calls") == 1 and metric(server, "call_participants") == 2
    before = metric(server, "media_rtp_forwarded_total")
    await asyncio.sleep(2.5)
    assert metric(server, "media_rtp_forwarded_total") > before + 50
    assert server.ctl("call", "end", "none", check=False).returncode == 1


if __name__ == "__main__":
    a_server = Server(conf={"listen": {"media": "192.0.2.2:20000"}}, users=["teacher", "student1"])
    try:
        a_server.ctl("user", "add", "operator@localhost", "--password", PASSWORD,
                     "--role", "operator")
        scene(a_server)
    finally:
        a_server.close()
