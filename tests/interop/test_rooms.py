"""Rooms (XEP-0045) with slixmpp's plugin and over WebSocket."""
import asyncio
from collections import namedtuple

import pytest
from slixmpp import JID
from slixmpp.exceptions import IqError, PresenceError

from clients import Client, WebSocketXmpp, run
from lyceum import Server

ROOMS = "conference.localhost"
Joined = namedtuple("Joined", "self_presence subject occupants history")


class Guest(Client):
    """A client with the plugins for rooms that notes what it sees there."""

    def __init__(self, server, jid, **kw):
        super().__init__(server, jid, **kw)
        for plugin in ("xep_0004", "xep_0030", "xep_0045", "xep_0199", "xep_0092"):
            self.register_plugin(plugin)
        self.muc = self.plugin["xep_0045"]
        self.said = asyncio.Queue()
        self.seen = asyncio.Queue()
        self.add_event_handler("groupchat_presence", self.seen.put_nowait)
        self.add_event_handler("groupchat_message", self.said.put_nowait)
        self.add_event_handler("message_error", self.messages.put_nowait)

    async def hears(self):
        return await asyncio.wait_for(self.said.get(), 5)

    async def enter(self, room, nick, **kw):
        joined = await self.muc.join_muc_wait(JID(room), nick, timeout=5, **kw)
        return Joined(joined[0], joined[1]["subject"], joined[2], joined[3])

    async def sees(self, room, test):
        """The next presence in the room that passes the test."""
        while True:
            p = await asyncio.wait_for(self.seen.get(), 5)
            if p["from"].bare == room and test(p):
                return p

    async def is_refused(self):
        """The next message that is an error."""
        while True:
            m = await self.message()
            if m["type"] == "error":
                return m["error"]["condition"]

    def leaves(self, room, nick):
        self.muc.leave_muc(JID(room), nick)


async def login(server, *names):
    return await asyncio.gather(*(Guest(server, f"{n}@localhost/{n[0]}").login() for n in names))


async def make(owner, room, nick="Teacher", **options):
    """Makes a room with these options (muc#roomconfig_*)."""
    joined = await owner.enter(room, nick)
    assert 201 in joined.self_presence["muc"]["status_codes"]
    await configure(owner, room, **options)


async def configure(owner, room, **options):
    offered = (await owner.muc.get_room_config(JID(room))).get_fields()
    form = owner.plugin["xep_0004"].make_form(ftype="submit")
    for name, value in options.items():
        assert f"muc#roomconfig_{name}" in offered
        form.add_field(var=f"muc#roomconfig_{name}", value=value)
    await owner.muc.set_room_config(JID(room), form)


async def refused(guest, room, nick, condition, **kw):
    with pytest.raises(PresenceError) as e:
        await guest.enter(room, nick, **kw)
    assert e.value.condition == condition


def test_classroom(server):
    """Three people enter, talk, change and leave."""
    async def body():
        room = f"algebra@{ROOMS}"
        t, a, b = await login(server, "teacher", "student1", "student2")
        await make(t, room, roomname="Algebra")
        joined = await a.enter(room, "One")
        assert joined.subject == "" and len(joined.occupants) == 2
        assert {100, 110} <= set(joined.self_presence["muc"]["status_codes"])
        await b.enter(room, "Two")
        assert sorted(b.muc.get_roster(JID(room))) == ["One", "Teacher", "Two"]
        assert b.muc.get_jid_property(JID(room), "One", "jid") == JID("student1@localhost/s")
        for i in range(50):
            a.send_message(room, f"{i} <&> ü", mtype="groupchat")
        for guest in (t, a, b):
            for i in range(50):
                m = await guest.hears()
                assert m["body"] == f"{i} <&> ü" and m["from"] == f"{room}/One"
        a.send_message(f"{room}/Two", "psst", mtype="chat")
        while (await b.message())["body"] != "psst":
            pass
        # leaving, and a broken connection
        a.leaves(room, "One")
        await t.sees(room, lambda p: p["type"] == "unavailable" and p["from"].resource == "One")
        b.abort()
        await t.sees(room, lambda p: p["type"] == "unavailable" and p["from"].resource == "Two")
        # who comes later hears what was said
        joined = await a.enter(room, "One", maxstanzas=5)
        assert [m["body"] for m in joined.history] == [f"{i} <&> ü" for i in range(45, 50)]
        for guest in (t, a):
            await guest.logout()
    run(body())


def test_doors(server):
    async def body():
        room = f"closed@{ROOMS}"
        t, a, b = await login(server, "teacher", "student1", "student2")
        await t.enter(room, "Teacher")
        await refused(a, room, "One", "item-not-found")
        await configure(t, room, passwordprotectedroom="1", roomsecret="open sesame", maxusers="2")
        await refused(a, room, "One", "not-authorized")
        await refused(a, room, "Teacher", "conflict", password="open sesame")
        await a.enter(room, "One", password="open sesame")
        await refused(b, room, "Two", "service-unavailable", password="open sesame")
        await t.muc.set_affiliation(JID(room), "outcast", jid=JID("student1@localhost"))
        p = await a.sees(room, lambda p: p["type"] == "unavailable")
        assert {110, 301} <= set(p["muc"]["status_codes"])
        await refused(a, room, "One", "forbidden", password="open sesame")
        assert [JID("student1@localhost")] == list(
            await t.muc.get_affiliation_list(JID(room), "outcast"))
        with pytest.raises(IqError) as e:
            await b.muc.get_affiliation_list(JID(room), "outcast")
        assert e.value.condition == "forbidden"
        for guest in (t, a, b):
            await guest.logout()
    run(body())


def test_roles(server):
    async def body():
        room = f"moderated@{ROOMS}"
        t, a = await login(server, "teacher", "student1")
        await make(t, room, moderatedroom="1")
        await a.enter(room, "One")
        a.send_message(room, "may I?", mtype="groupchat")
        assert await a.is_refused() == "forbidden"
        await t.muc.set_role(JID(room), "One", "participant")
        p = await a.sees(room, lambda p: p["muc"]["role"] == "participant")
        a.send_message(room, "thanks", mtype="groupchat")
        assert (await t.hears())["body"] == "thanks"
        assert await t.muc.get_roles_list(JID(room), "participant") == ["One"]
        await t.muc.set_role(JID(room), "One", "none", reason="enough")
        p = await a.sees(room, lambda p: p["type"] == "unavailable")
        assert 307 in p["muc"]["status_codes"] and "enough" in str(p)
        for guest in (t, a):
            await guest.logout()
    run(body())


def test_service(server):
    """disco, pings, IQs through the room, invitations, the end of a room."""
    async def body():
        room = f"service@{ROOMS}"
        t, a = await login(server, "teacher", "student1")
        await make(t, room, roomname="Service")
        info = await t.plugin["xep_0030"].get_info(jid=ROOMS)
        assert "http://jabber.org/protocol/muc" in info["disco_info"]["features"]
        items = await a.plugin["xep_0030"].get_items(jid=ROOMS)
        assert room in [i[0] for i in items["disco_items"]["items"]]
        info = await a.plugin["xep_0030"].get_info(jid=room)
        assert {"muc_open", "muc_nonanonymous", "muc_temporary"} <= set(
            info["disco_info"]["features"])
        got = asyncio.get_event_loop().create_future()
        a.add_event_handler("groupchat_invite", got.set_result)
        t.muc.invite(JID(room), JID("student1@localhost"), "come")
        assert (await asyncio.wait_for(got, 5))["from"] == room
        with pytest.raises(IqError) as e:
            await a.plugin["xep_0199"].send_ping(f"{room}/One", timeout=5)
        assert e.value.condition == "not-acceptable"
        await a.enter(room, "One")
        await a.plugin["xep_0199"].send_ping(f"{room}/One", timeout=5)
        version = await t.plugin["xep_0092"].get_version(f"{room}/One")
        assert version["from"] == f"{room}/One" and version["software_version"]["name"]
        with pytest.raises(IqError) as e:
            await a.muc.destroy(JID(room))
        assert e.value.condition == "forbidden"
        await t.muc.destroy(JID(room), "over", JID(f"other@{ROOMS}"))
        p = await a.sees(room, lambda p: p["type"] == "unavailable")
        assert "over" in str(p) and f"other@{ROOMS}" in str(p)
        for guest in (t, a):
            await guest.logout()
    run(body())


def test_restart():
    """Persistent rooms come back with their options, affiliations, subject and history."""
    server = Server(users=("teacher", "student1"))
    room = f"kept@{ROOMS}"

    async def before():
        t, = await login(server, "teacher")
        await make(t, room, persistentroom="1", membersonly="1")
        await t.muc.set_affiliation(JID(room), "admin", jid=JID("student1@localhost"))
        t.muc.set_subject(JID(room), "Sets")
        t.send_message(room, "remember me", mtype="groupchat")
        assert (await t.hears())["body"] == "remember me"
        await t.logout()

    async def after():
        a, = await login(server, "student1")
        joined = await a.enter(room, "One", maxstanzas=10)
        assert joined.subject == "Sets"
        assert [m["body"] for m in joined.history] == ["remember me"]
        assert joined.self_presence["muc"]["affiliation"] == "admin"
        await a.logout()

    try:
        run(before())
        server.stop()
        server.start()
        run(after())
    finally:
        server.close()


def test_websocket(server):
    """The classroom page's way: rooms over WebSocket beside TCP."""
    room = f"web@{ROOMS}"
    web = WebSocketXmpp(server.http)
    assert web.login("student3") == "ok"
    web.ws.send(f"<presence xmlns='jabber:client' to='{room}/ab12cd34'><x xmlns="
                "'http://jabber.org/protocol/muc'/><nick xmlns='http://jabber.org/protocol/nick'>"
                "Student</nick><SourceInfo>{\"ab12cd34-a0\":{\"muted\":true}}</SourceInfo></presence>")
    assert "code='201'" in web.until("code='110'")
    web.ws.send(f"<iq xmlns='jabber:client' type='set' id='c' to='{room}'><query xmlns="
                "'http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/>"
                "</query></iq>")
    assert "type='result'" in web.until("id='c'")

    async def body():
        t, = await login(server, "teacher")
        joined = await t.enter(room, "Teacher")
        assert "ab12cd34-a0" in str(joined.occupants[0]) and "SourceInfo" in str(joined.occupants[0])
        t.send_message(room, "hello page", mtype="groupchat")
        await t.hears()
        await t.logout()
    run(body())
    assert f"from='{room}/Teacher'" in web.until("hello page")
    web.ws.close()
