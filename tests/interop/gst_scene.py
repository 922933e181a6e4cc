"""Three GStreamer peers in one call; run by test_call.py in a network namespace with 192.0.2.2."""
import asyncio

from clients import run
from gst_peer import GstPeer
from lyceum import Server

ROOM = "algebra@conference.localhost"


async def until(condition, seconds, what):
    for _ in range(int(seconds * 20)):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what()}")


def three_peers(server):
    async def main():
        peers = [GstPeer(server, user) for user in ("teacher", "student1", "student2")]
        try:
            for i, peer in enumerate(peers):
                await peer.join(ROOM)
                await asyncio.wait_for(peer.accepted.wait(), 15)
                await asyncio.wait_for(peer.connected.wait(), 15)
                # before the next one comes: webrtcbin stops at packets its SDP does not know
                for other in peers[:i]:
                    for kind in ("a0", "v0"):
                        name = f"{other.nick}-{kind}"
                        await until(lambda: peer.received.get(name, 0) > 20, 15,
                                    lambda: f"{name} at {peer.nick}: {peer.received}")
            await peers[0].leave()
            before = dict(peers[2].received)
            name = f"{peers[1].nick}-v0"
            await until(lambda: peers[2].received[name] > before[name] + 20, 10,
                        lambda: "media goes on when another leaves")
        finally:
            for peer in peers:
                peer.close()
                peer.client.abort()
    run(main())


if __name__ == "__main__":
    a_server = Server(conf={"listen": {"media": "192.0.2.2:20000"}},
                      users=["teacher", "student1", "student2"])
    try:
        three_peers(a_server)
    finally:
        a_server.close()
