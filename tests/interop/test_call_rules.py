"""The rules of calls on the wire: who is in, who is put out, and what happens to those who send nonsense.
No media: what is tested is the signalling."""
import asyncio
import json
import threading
import xml.etree.ElementTree as ET

import pytest
from slixmpp import JID
from slixmpp.exceptions import IqError

from clients import run
from lyceum import Server
from member import CALLS, FOCUS, ROOMS, Member, source


@pytest.fixture(scope="module")
def server():
    s = Server({"calls": {"lost_after_s": "60s"}, "limits": {"stream_rate": 0}},
               users=("teacher", "student1", "student2", "student3"))
    yield s
    s.close()


async def login(server, *jids):
    return await asyncio.gather(*(Member(server, f"{user}@localhost/{device}").login()
                                  for user, device in (j.split("/") for j in jids)))


async def logout(*members):
    await asyncio.gather(*(m.logout() for m in members))


async def refused(awaitable):
    with pytest.raises(IqError) as e:
        await awaitable
    return e.value.condition


async def in_thread(fn, *args):
    return await asyncio.get_running_loop().run_in_executor(None, fn, *args)


async def talk(*members):
    """Whoever is in the call hears of a source that another adds: it runs undisturbed."""
    first, *others = members
    extra = [source(f"{first.endpoint}-v1", first.ssrc + 7, first.ssrc + 8)]
    await first.send_jingle("source-add", extra)
    for m in others:
        await m.hears_of("source-add", f"{first.endpoint}-v1")
    await first.send_jingle("source-remove", extra)
    for m in others:
        await m.hears_of("source-remove", f"{first.endpoint}-v1")


# ---- the ends of a call ----

@pytest.mark.parametrize("how", ["kick", "ban", "destroy"])
def test_moderation_frees_the_slot(server, how):
    async def main():
        room = f"law-{how}"
        teacher, a, phone = await login(server, "teacher/t", "student1/web", "student1/phone")
        await teacher.join(room)
        await a.join(room)
        await phone.call_state("active", jid="student1@localhost/web")
        assert await refused(phone.ask(room)) == "conflict"
        jid = JID(f"{room}@{ROOMS}")
        if how == "kick":
            await teacher.muc.set_role(jid, a.nick, "none")
        elif how == "ban":
            await teacher.muc.set_affiliation(jid, "outcast", jid="student1@localhost")
        else:
            await teacher.muc.destroy(jid)
        reason = "ended" if how == "destroy" else "revoked"
        idle = await phone.call_state("idle", reason=reason)
        assert idle.get("room") == jid and idle.get("jid") == "student1@localhost/web"
        await phone.join("elsewhere-" + how)
        if how != "destroy":
            await teacher.hears_of("source-remove", f"{a.nick}-a0")
        if how == "ban":  # the room is closed to it: its claim leads nowhere, and may be moved at once
            assert await refused(a.ask(room)) == "conflict"
        await logout(teacher, a, phone)
    run(main())


def test_end_of_the_session_frees_the_slot(server):
    async def main():
        a, b, phone = await login(server, "student1/web", "student2/web", "student1/phone")
        await a.join("lost")
        await b.join("lost")
        a.abort()
        await phone.call_state("active")
        await phone.call_state("idle")
        await b.hears_of("source-remove", f"{a.nick}-v0")
        await phone.join("lost")
        await logout(b, phone)
    run(main())


def test_deleted_user_leaves_the_call():
    s = Server(users=("teacher", "student1"))
    try:
        async def main():
            teacher, a = await login(s, "teacher/t", "student1/web")
            await teacher.join("science")
            await a.join("science")
            await in_thread(s.ctl, "user", "delete", "student1@localhost")
            await teacher.hears_of("source-remove", f"{a.nick}-a0")
            await asyncio.wait_for(a.gone.wait(), 5)
            await logout(teacher)
        run(main())
    finally:
        s.close()


def test_restart_of_the_server_frees_the_slots():
    s = Server(users=("student1", "student2"))
    try:
        async def main():
            a, b = await login(s, "student1/web", "student2/web")
            await a.join("night")
            await b.join("night")
            stop = asyncio.ensure_future(in_thread(s.stop))
            ended = await a.jingle("session-terminate")
            assert ended.find(".//{urn:xmpp:jingle:1}gone") is not None
            await stop
            await asyncio.wait_for(b.gone.wait(), 5)
            s.start()
            a, phone = await login(s, "student1/web", "student1/phone")
            await phone.join("night")
            assert await refused(a.ask("night")) == "conflict"
            await logout(a, phone)
        run(main())
    finally:
        s.close()


def test_stop_under_a_flood_of_requests():
    s = Server({"limits": {"stream_rate": 0}}, users=("student1", "student2"))
    try:
        async def main():
            a, b = await login(s, "student1/web", "student2/web")

            async def flood(m):
                n = 0
                while not m.gone.is_set():
                    n += 1
                    iq = m.make_iq_set(ito="focus.localhost")
                    ET.SubElement(iq.xml, f"{{{FOCUS}}}conference", room=f"r{n}@{ROOMS}")
                    asyncio.ensure_future(iq.send(timeout=3)).add_done_callback(
                        lambda f: f.cancelled() or f.exception())
                    await asyncio.sleep(0.002)
            floods = [asyncio.ensure_future(flood(m)) for m in (a, b)]
            await asyncio.sleep(0.5)
            await in_thread(s.stop)
            await asyncio.wait(floods, timeout=5)
        run(main())
    finally:
        s.close()


# ---- one call for each user ----

def test_devices_that_take_the_call_from_each_other(server):
    async def main():
        devices = await login(server, "student2/one", "student2/two", "student2/three")
        watcher, = await login(server, "teacher/t")
        await watcher.join("pull")
        call = await devices[0].join("pull") and devices[0].call
        for i in range(1, 9):
            old, new = devices[(i - 1) % 3], devices[i % 3]
            await new.join("pull", move=call)
            ended = await old.jingle("session-terminate")
            assert ended.find(".//{urn:xmpp:jingle:1}gone") is not None
            assert ended.find(f".//{{{CALLS}}}moved").get("device") == new.boundjid.resource
        # all at once, many times: one of them has it in the end
        for _ in range(10):
            await asyncio.gather(*(d.ask("pull", move=call) for d in devices), return_exceptions=True)
        answers = await asyncio.gather(*(d.ask("pull") for d in devices), return_exceptions=True)
        assert sum(isinstance(a, str) for a in answers) == 1, answers
        assert sum(isinstance(a, IqError) and a.condition == "conflict" for a in answers) == 2
        await talk(watcher)
        await logout(*devices, watcher)
    run(main())


def test_move_of_a_call_that_is_not_ones_own(server):
    async def main():
        a, b, phone = await login(server, "student1/web", "student2/web", "student1/phone")
        await a.join("mine")
        await b.join("mine")
        await b.leave_call()
        for call in ("0" * 16, "", "x" * 5000):
            assert await refused(phone.ask("mine", move=call)) == "conflict"
        assert await b.ask("other", move=a.call)  # its own slot is free, nobody else's is touched
        await talk(a)
        await logout(a, b, phone)
    run(main())


# ---- nicks ----

def test_nick_change_in_a_call(server):
    async def main():
        a, b = await login(server, "student1/web", "student2/web")
        await a.join("names")
        await b.join("names")
        for nick in ("feedbeef", "A name with spaces and ünïcode", "x" * 200, "back1"):
            a.present(nick=nick)
            await talk(a, b)  # its endpoint keeps its id
            await talk(b, a)
        # who takes the freed nick cannot have the endpoint
        c, = await login(server, "student3/web")
        c.nick = a.nick
        await c.ask("names")
        c.present()
        kicked = await c.presence_of_type("unavailable")
        assert 307 in kicked["muc"]["status_codes"]
        c.nick = "cccccccc"
        await c.join("names")
        await talk(c, a, b)
        await logout(a, b, c)
    run(main())


@pytest.mark.parametrize("nick", ["jvb", "a-v0", "a?pwd=", "a/b", "é", "y" * 60])
def test_nick_that_cannot_be_an_endpoint(server, nick):
    async def main():
        room = f"unfit-{len(nick)}-{ord(nick[0])}"
        a, = await login(server, "student1/web")
        await a.enter(f"{room}@{ROOMS}", nick)
        # the focus sees who is there when it comes: this one is put out of the room, with the reason
        await a.ask(room)
        kicked = await a.sees(f"{room}@{ROOMS}", lambda p: p["type"] == "unavailable")
        assert 307 in kicked["muc"]["status_codes"] and "cannot be in the call" in str(kicked)
        # where a call runs already, the request is refused
        b, = await login(server, "student2/web")
        await b.join(room)
        a.nick = nick
        a.present()
        await a.sees(f"{room}@{ROOMS}", lambda p: 110 in p["muc"]["status_codes"])
        assert await refused(a.ask(room)) == "resource-constraint"
        a.nick = "fit"
        a.present()
        await a.sees(f"{room}@{ROOMS}", lambda p: p["from"].resource == "fit")
        await a.join(room)
        await talk(b, a)
        await logout(a, b)
    run(main())


def test_nick_of_the_focus_is_taken(server):
    async def main():
        a, b = await login(server, "student1/web", "student2/web")
        a.room = "squat"
        a.present(nick="focus")
        error = await a.presence_of_type("error")
        assert error["error"]["condition"] == "conflict"
        await b.join("squat")
        await logout(a, b)
    run(main())


def test_sessions_that_share_a_nick(server):
    """Who leaves the room leaves the call, also when another device stays in the room under that nick."""
    async def main():
        a, other, b = await login(server, "student1/web", "student1/phone", "student2/web")
        await a.join("shared")
        await b.join("shared")
        other.room, other.nick = "shared", a.nick
        other.present()
        await asyncio.sleep(0.2)
        a.make_presence(pto=f"shared@{ROOMS}/{a.nick}", ptype="unavailable").send()
        await other.call_state("active")
        await other.call_state("idle", reason="left")
        await b.hears_of("source-remove", f"{a.nick}-a0")
        await other.join("shared")
        # by renaming itself to the nick of its other device
        a.nick = "second"
        a.room = "shared"
        a.present()
        await asyncio.sleep(0.2)
        other.present(nick="second")
        await a.call_state("active")
        await a.call_state("idle")
        await logout(a, other, b)
    run(main())


# ---- Jingle ----

def test_jingle_errors(server):
    async def main():
        a, b = await login(server, "student1/web", "student2/web")
        await a.join("errors")
        await b.ask("errors")
        b.present()
        await b.offer()
        n, theirs = b.nick, a.ssrc
        assert await refused(b.send_jingle("source-add", [source(f"{n}-v1", 5)])) == "unexpected-request"
        assert await refused(b.send_jingle("source-remove")) == "unexpected-request"
        assert await refused(b.send_jingle("session-accept", sid="0" * 16)) == "item-not-found"
        assert await refused(b.send_jingle("session-accept")) == "bad-request"  # no transport
        for sources, expected in [
            ([source(f"{a.nick}-a0", 5)], "bad-request"),       # a name of somebody else
            ([source(n, 5)], "bad-request"),
            ([source(f"{n}-a0", theirs)], "conflict"),          # an SSRC of somebody else
            ([source(f"{n}-v0", 5, theirs + 2)], "conflict"),   # as a repair stream
            ([source(f"{n}-v0", 5, 9), source(f"{n}-v1", 6, 9)], "not-acceptable"),
            ([source(f"{n}-a0", 5), source(f"{n}-v0", 6, 5)], "not-acceptable"),
            ([source(f"{n}-a0", 0)], "bad-request"),
            ([source(f"{n}-a0", 2 ** 32)], "bad-request"),
            ([source(f"{n}-a0", "five")], "bad-request"),
            ([source(f"{n}-a0", 5), source(f"{n}-a0", 6)], "bad-request"),
            ([source(f"{n}-a0", 5), source(f"{n}-a1", 5)], "bad-request"),
            ([source(f"{n}-v{i}", 10 + i) for i in range(11)], "bad-request"),
            ([source(f"{n}-v{i}", 10 + i) for i in range(500)], "bad-request"),
            ([source(f"{n}-{'v' * 100}", 5)], "bad-request"),
            ([source(f"{n}-v0", 5, msid="x" + "é" * 200)], "bad-request"),
        ]:
            assert await refused(b.accept(sources)) == expected, sources[:2]
        await b.accept()
        await a.jingle("source-add")
        assert await refused(b.accept()) == "unexpected-request"  # twice
        assert await refused(b.send_jingle("content-modify")) == "feature-not-implemented"
        assert await refused(b.send_jingle("source-remove", [source(f"{n}-v9", 5)])) == "item-not-found"
        bad = b.make_jingle("source-add")
        del bad.xml[0].attrib["sid"]
        assert await refused(bad.send(timeout=5)) == "bad-request"
        other = b.make_iq_get(ito=b.focus)
        ET.SubElement(other.xml, "{urn:unknown}query")
        assert await refused(other.send(timeout=5)) == "service-unavailable"
        await talk(a, b)
        await talk(b, a)
        await logout(a, b)
    run(main())


def test_session_of_somebody_else(server):
    async def main():
        a, b, c = await login(server, "student1/web", "student2/web", "student3/web")
        await a.join("thief")
        await b.join("thief")
        b_sid = b.sid
        b.sid = a.sid
        assert await refused(b.send_jingle("session-terminate")) == "item-not-found"
        b.sid = b_sid
        await c.enter(f"thief@{ROOMS}", "guest")
        c.sid, c.focus = a.sid, a.focus
        assert await refused(c.send_jingle("session-terminate")) == "item-not-found"
        assert await refused(c.accept([source("guest-a0", 5)])) == "item-not-found"
        await talk(a, b)
        await logout(a, b, c)
    run(main())


def test_source_flood(server):
    async def main():
        a, b = await login(server, "student1/web", "student2/web")
        await a.join("flood")
        await b.join("flood")
        for i in range(150):
            s = [source(f"{b.nick}-v{1 + i % 3}", 1000 + 2 * i, 1001 + 2 * i)]
            await b.send_jingle("source-add", s)
            await b.send_jingle("source-remove", s)
        for i in range(40):
            try:
                await b.send_jingle("source-add", [source(f"{b.nick}-v{10 + i}", 5000 + i)])
            except IqError as e:
                assert e.condition == "not-acceptable" and i >= 8
        while not a.jingles.empty():
            a.jingles.get_nowait()
        await talk(a)
        await logout(a, b)
    run(main())


def test_terminate_while_it_is_being_decided(server):
    async def main():
        a, = await login(server, "student1/web")
        for i in range(20):
            first = asyncio.ensure_future(a.ask("hurry"))
            a.room = "hurry"
            a.present()
            a.make_presence(pto=f"hurry@{ROOMS}/{a.nick}", ptype="unavailable").send()
            twice = asyncio.ensure_future(a.ask("hurry"))
            await asyncio.wait([first, twice], timeout=10)
            assert isinstance(first.exception() or 0, (IqError, int))
            assert isinstance(twice.exception() or 0, (IqError, int))
        while not a.jingles.empty():
            a.jingles.get_nowait()
        await a.join("hurry")
        await logout(a)
    run(main())


def test_flood_of_conference_requests(server):
    async def main():
        a, b = await login(server, "student1/web", "student2/web")
        await b.join("quiet")
        rooms = [a.ask(f"flood-{i}") for i in range(300)]
        answers = await asyncio.gather(*rooms, return_exceptions=True)
        assert sum(isinstance(x, str) for x in answers) == 1
        assert all(isinstance(x, str) or x.condition == "conflict" for x in answers)
        same = await asyncio.gather(*(b.ask("quiet") for _ in range(200)), return_exceptions=True)
        assert all(isinstance(x, str) for x in same)
        await talk(b)
        await logout(a, b)
    run(main())


@pytest.mark.parametrize("info", [
    "{", "[]", "7", "null", '{"a-a0":7,"-":null,"":[]}', "[" * 3000, '{"a":' * 3000,
    '{"x-v0":{"muted":"%s"}}' % ("y" * 100000), '{"x-a0":{"muted":true},"x-a0":{"muted":false}}',
], ids=range(9))
def test_bad_source_info(server, info):
    async def main():
        a, b = await login(server, "student1/web", "student2/web")
        await a.join("info")
        await b.join("info")
        el = ET.Element("{jabber:client}SourceInfo")
        el.text = info
        b.present(el)
        await talk(a, b)
        await talk(b, a)
        await logout(a, b)
    run(main())


# ---- the bridge channel ----

def test_bridge_passwords(server):
    async def main():
        a, b = await login(server, "student1/web", "student2/web")
        await a.join("bridge")
        await b.join("bridge")
        path, _, pwd = a.bridge_path.partition("?pwd=")
        bad = [f"{path}?pwd={'x' * len(pwd)}", f"{path}?pwd=", f"{path}?pwd={pwd[:-1]}", f"{path}?pwd={pwd}x",
               path, b.bridge_path.partition("?")[0] + f"?pwd={pwd}", f"{path}/more?pwd={pwd}",
               f"{path}?pwd={'y' * 5000}", f"/colibri-ws/99999999999999999999/{a.call}/{a.nick}?pwd={pwd}",
               f"/colibri-ws/-1/{a.call}/{a.nick}?pwd={pwd}", f"/colibri-ws/0/{'c' * 300}/x?pwd={pwd}",
               "/colibri-ws/0//?pwd=x", "/colibri-ws/?pwd=x"]

        def attempt():
            good = a.open_bridge()
            assert json.loads(good.recv())["colibriClass"] == "ServerHello"
            for other in bad:
                ws = a.open_bridge(other)
                if ws.status == 101:
                    assert ws.recv() == ("close", 1000), other
                else:
                    assert ws.status in (400, 404), (other, ws.status)
                ws.close()
            # the good one goes on; a second one takes its place
            good.send('{"colibriClass":"ClientHello"}')
            assert json.loads(good.recv())["colibriClass"] == "ServerHello"
            second = a.open_bridge()
            assert json.loads(second.recv())["colibriClass"] == "ServerHello"
            assert good.recv() == ("close", 1000)
            second.send('{"colibriClass":"ClientHello"}')
            assert json.loads(second.recv())["colibriClass"] == "ServerHello"
            for ws in (good, second):
                ws.close()
        await in_thread(attempt)
        server.wait_log("bridge_refused")
        await logout(a, b)
    run(main())


def test_bridge_nonsense(server):
    async def main():
        a, b = await login(server, "student1/web", "student2/web")
        await a.join("words")
        await b.join("words")
        messages = [
            "", "x", "{", "[]", "null", "7", '"ClientHello"', "[" * 60000, '{"a":' * 10000,
            '{"colibriClass":7}', '{"colibriClass":"NobodyKnowsThis"}', '{"colibriClass":"\\u0000"}',
            '{"colibriClass":"ReceiverVideoConstraints","lastN":"many","constraints":[],'
            '"defaultConstraints":7,"selectedSources":{},"onStageSources":[1,null,{}]}',
            json.dumps({"colibriClass": "ReceiverVideoConstraints", "lastN": 2 ** 60,
                        "defaultConstraints": {"maxHeight": -5},
                        "onStageSources": ["x" * 100] + [f"s{i}" for i in range(500)],
                        "constraints": {f"s{i}": {"maxHeight": 10 ** 12} for i in range(500)}}),
            '{"colibriClass":"LastNChangedEvent","lastN":-7}',
            '{"colibriClass":"EndpointMessage","to":7}', '{"colibriClass":"EndpointMessage","to":"nobody"}',
        ]

        def attempt():
            mine, theirs = a.open_bridge(), b.open_bridge()
            assert json.loads(mine.recv())["colibriClass"] == "ServerHello"
            assert json.loads(theirs.recv())["colibriClass"] == "ServerHello"
            for text in messages:
                mine.send(text)
            mine.send(json.dumps({"colibriClass": "EndpointMessage", "to": b.nick, "from": "forged",
                                  "msgPayload": {"n": 1}}))
            while (got := json.loads(theirs.recv())).get("msgPayload") is None:
                pass
            assert got["from"] == a.nick and got["msgPayload"] == {"n": 1}
            mine.send("y" * 70000)  # over the limit of the channel
            got = mine.recv()
            while not isinstance(got, tuple):
                got = mine.recv()
            again = a.open_bridge()  # and may come back
            assert json.loads(again.recv())["colibriClass"] == "ServerHello"
            theirs.send(json.dumps({"colibriClass": "EndpointMessage", "to": "", "msgPayload": 2}))
            assert json.loads(again.recv())["msgPayload"] == 2
            for ws in (mine, theirs, again):
                ws.close()
        await in_thread(attempt)
        assert 'bridge_message endpoint=' + a.nick + ' error="no JSON"' in server.log()
        assert 'error="no known colibriClass"' in server.log()
        assert "bridge_flood endpoint=" + a.nick in server.log()
        await talk(a, b)
        await logout(a, b)
    run(main())


def test_bridge_closes_with_the_call(server):
    async def main():
        a, b = await login(server, "student1/web", "student2/web")
        await a.join("closing")
        await b.join("closing")
        ws = a.open_bridge()
        hello = await in_thread(ws.recv)
        assert json.loads(hello)["colibriClass"] == "ServerHello"
        await a.send_jingle("session-terminate")
        assert await in_thread(ws.recv) == ("close", 1000)
        refused_ws = a.open_bridge()
        assert await in_thread(refused_ws.recv) == ("close", 1000)
        ws.close()
        refused_ws.close()
        await logout(a, b)
    run(main())


def test_bridges_that_come_and_go(server):
    """Opened and dropped without a word from several threads while the call ends under them."""
    async def main():
        for _ in range(5):
            a, b = await login(server, "student1/web", "student2/web")
            await a.join("churn")
            await b.join("churn")
            stop = threading.Event()

            def churn():
                while not stop.is_set():
                    try:
                        ws = a.open_bridge()
                        ws.send('{"colibriClass":"EndpointMessage","to":""}')
                        ws.close()
                    except (OSError, IndexError):
                        pass  # closed already
            threads = [threading.Thread(target=churn) for _ in range(3)]
            for t in threads:
                t.start()
            await asyncio.sleep(0.2)
            await a.send_jingle("session-terminate")
            await asyncio.sleep(0.1)
            stop.set()
            for t in threads:
                await in_thread(t.join)
            await talk(b)
            await logout(a, b)
    run(main())


def test_stop_in_the_middle_of_everything():
    """Bridges open, questions of operators and conference requests under way: nothing is left behind."""
    s = Server(users=("student1", "student2"))

    async def main():
        a, b = await login(s, "student1/web", "student2/web")
        await a.join("middle")
        await b.join("middle")
        bridges = [m.open_bridge() for m in (a, b)]
        stopped = threading.Event()

        def ask():
            while not stopped.is_set():
                s.ctl("calls", check=False)
        askers = [threading.Thread(target=ask) for _ in range(3)]
        for t in askers:
            t.start()
        await asyncio.sleep(0.3)
        for i in range(100):
            bridges[0].send(json.dumps({"colibriClass": "EndpointMessage", "to": "", "n": i}))
        await in_thread(s.stop)
        stopped.set()
        for t in askers:
            await in_thread(t.join)
        for ws in bridges:
            ws.close()
    try:
        for _ in range(4):
            run(main())
            s.start()
    finally:
        s.close()
