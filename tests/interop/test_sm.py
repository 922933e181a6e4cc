"""Stream management (XEP-0198): slixmpp's plugin, plain sockets and WebSockets; connections are cut."""
import asyncio
import base64
import re
import time
import xml.etree.ElementTree as ET

import pytest
from slixmpp.exceptions import IqError

from clients import Client, Raw, WebSocketXmpp, run
from lyceum import PASSWORD, Server

SM = "urn:xmpp:sm:3"
FOCUS = "http://jitsi.org/protocol/focus"
HEADER = ("<stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams'>")
ENABLE = f"<enable xmlns='{SM}' resume='true'/>"
ITEM_NOT_FOUND = (f"<failed xmlns='{SM}'><item-not-found "
                  "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")


class Plain:
    """A client by hand over TLS. Text that was read and not used stays for the next until()."""

    def __init__(self, server, user):
        self.raw, self.rest = Raw(server.xmpps, tls=True), ""
        self.raw.send(HEADER)
        self.until("</stream:features>")
        token = base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()
        self.raw.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"
                      f"{token}</auth>")
        self.until("<success")
        self.raw.send(HEADER)
        assert f"<sm xmlns='{SM}'/>" in self.until("</stream:features>")

    def send(self, text):
        self.raw.send(text)

    def until(self, what):
        while what not in self.rest:
            part = self.raw.sock.recv(65536)
            if not part:
                raise EOFError(self.rest)
            self.rest += part.decode()
        end = self.rest.index(what) + len(what)
        text, self.rest = self.rest[:end], self.rest[end:]
        return text

    def bind(self, resource, enable=True):
        self.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                  f"<resource>{resource}</resource></bind></iq>")
        self.until("</iq>")
        if enable:
            self.send(ENABLE)
            self.id = re.search(" id='([^']+)'", self.until("max='300'/>")).group(1)
        return self

    def message(self, to, text):
        self.send(f"<message to='{to}' type='chat' id='{text}'><body>{text}</body></message>")

    def h(self):
        """How many the server has handled."""
        self.send(f"<r xmlns='{SM}'/>")
        self.until("<a ")
        return int(re.search("h='([0-9]+)'", self.until("/>")).group(1))

    def resume(self, previd, h):
        self.send(f"<resume xmlns='{SM}' previd='{previd}' h='{h}'/>")

    def cut(self):
        self.raw.close()


def bodies(text):
    return re.findall("<body>([^<]*)</body>", text)


def wait_for(server, text, count):
    end = time.time() + 10
    while server.log().count(text) < count:
        assert time.time() < end, server.log()[-3000:]
        time.sleep(0.02)


def test_slixmpp_loses_and_doubles_nothing(server):
    async def main():
        teacher = await Client(server, "teacher@localhost/a").login()
        client = Client(server, "student1@localhost/b")
        client.register_plugin("xep_0198")
        await client.login()
        resumed = asyncio.Queue()
        client.add_event_handler("session_resumed", resumed.put_nowait)
        sent, got = 0, []
        for round_ in range(4):
            for _ in range(10):
                teacher.send_message("student1@localhost/b", str(sent), mtype="chat")
                sent += 1
            if round_ % 2:  # in the middle of the stream
                await asyncio.sleep(0.01)
            else:
                await asyncio.sleep(0.5)
            client.gone.clear()
            client.transport.abort()
            await asyncio.wait_for(client.gone.wait(), 5)
            for _ in range(10):
                teacher.send_message("student1@localhost", str(sent), mtype="chat")
                sent += 1
            await asyncio.sleep(0.2)
            client.connect(("127.0.0.1", server.xmpp), force_starttls=True)
            await asyncio.wait_for(resumed.get(), 10)
            client.send_message("teacher@localhost/a", f"round {round_}", mtype="chat")
            assert (await teacher.message())["body"] == f"round {round_}"
        while len(got) < sent:
            got.append((await client.message())["body"])
        await asyncio.sleep(0.3)
        assert client.messages.empty() and got == [str(i) for i in range(sent)]
        await client.logout()
        await teacher.logout()
    run(main())


def test_both_directions_by_hand(server):
    a = Plain(server, "student1").bind("plain")
    b = Plain(server, "student2").bind("plain")
    a.send("<presence/>")
    b.send("<presence/>")
    for i in range(3):
        b.message("student1@localhost/plain", str(i))
    a.until("<body>2</body></message>")
    assert a.h() == 1
    for i in range(3):
        a.message("student2@localhost/plain", f"x{i}")
    b.until("<body>x2</body></message>")
    a.cut()
    wait_for(server, "lost jid=student1@localhost/plain", 1)
    for i in range(3, 6):
        b.message("student1@localhost/plain", str(i))
    again = Plain(server, "student1")
    again.resume(a.id, 3)  # the echo of the presence and two messages arrived
    text = again.until(f"<r xmlns='{SM}'/>")
    assert f"<resumed xmlns='{SM}' previd='{a.id}' h='4'/>" in text
    assert bodies(text) == ["2", "3", "4", "5"]
    again.message("student2@localhost/plain", "x3")
    b.until("<body>x3</body></message>")
    assert again.h() == 5
    again.send("</stream:stream>")
    again.until("</stream:stream>")
    later = Plain(server, "student1")
    later.resume(a.id, 7)  # the stream was closed: the session is gone
    later.until(ITEM_NOT_FOUND)
    later.bind("plain").send("<presence/>")
    # what was never acknowledged has been stored
    assert bodies(later.until("<body>5</body>")) == ["2", "3", "4", "5"]
    later.send("</stream:stream>")
    b.send("</stream:stream>")


def test_malformed_stanzas_count(server):
    """What the stream itself answers counts in both directions."""
    a = Plain(server, "student3").bind("odd")
    a.send("<iq type='set' id='s'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>"
           "<message to='@@'/><iq type='get'/><message type='error' to='@@'/>")
    a.until("id='s'")
    assert a.h() == 4
    a.send(f"<a xmlns='{SM}' h='3'/>")
    assert a.h() == 4
    a.send(f"<a xmlns='{SM}' h='9'/>")
    text = a.until("</stream:stream>")
    assert "<undefined-condition" in text
    assert f"<handled-count-too-high xmlns='{SM}' h='9' send-count='3'/>" in text


def test_refused(server):
    a = Plain(server, "student1")
    a.send(ENABLE)
    a.until("<unexpected-request")
    a.resume("0123456789012345678901", 0)
    a.until(ITEM_NOT_FOUND)
    a.send(f"<resume xmlns='{SM}'/>")
    a.until("<bad-request")
    a.bind("r")
    b = Plain(server, "student2")
    b.resume(a.id, 0)  # somebody else's
    b.until(ITEM_NOT_FOUND)
    a.send("</stream:stream>")
    b.send("</stream:stream>")


def test_old_connection_is_replaced(server):
    a = Plain(server, "student1").bind("twice")
    a.send("<presence/>")
    a.until("<presence")
    again = Plain(server, "student1")
    again.resume(a.id, 1)
    again.until("<resumed")
    assert "<conflict" in a.until("</stream:stream>")
    a.cut()
    again.message("student1@localhost/twice", "self")
    again.until("<body>self</body>")
    again.send("</stream:stream>")


def test_pipelined_resume(server):
    a = Plain(server, "student1").bind("pipe")
    a.cut()
    again = Plain(server, "student1")
    again.send(f"<resume xmlns='{SM}' previd='{a.id}' h='0'/>"
               "<message to='student1@localhost/pipe' id='p'><body>behind</body></message>")
    again.until("<resumed")
    again.until("<body>behind</body>")
    again.send("</stream:stream>")


def test_websocket(server):
    ws = WebSocketXmpp(server.http)
    assert ws.login("student2", resource="ws") == "ok"
    ws.ws.send(ENABLE)
    previd = re.search(" id='([^']+)'", ws.until("<enabled")).group(1)
    ws.close_socket()
    a = Plain(server, "student1").bind("x", enable=False)
    a.message("student2@localhost/ws", "meanwhile")
    # resumed over TCP, cut, and taken back
    tcp = Plain(server, "student2")
    tcp.resume(previd, 0)
    tcp.until("meanwhile")
    tcp.cut()
    ws = WebSocketXmpp(server.http)
    assert ws.login("student2", resource=None) == "ok"
    ws.ws.send(f"<resume xmlns='{SM}' previd='{previd}' h='0'/>")
    assert "h='0'" in ws.until("<resumed")
    ws.until("meanwhile")
    a.message("student2@localhost/ws", "again")
    ws.until("<body>again</body>")
    ws.ws.send("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>")
    ws.until("<close")
    ws = WebSocketXmpp(server.http)
    assert ws.login("student2", resource=None) == "ok"
    ws.ws.send(f"<resume xmlns='{SM}' previd='{previd}' h='0'/>")
    assert "item-not-found" in ws.until("<failed")
    a.send("</stream:stream>")


def test_window_ends():
    """The session ends, its messages are stored and its call slot is free, after the window only."""
    server = Server({"limits": {"resume_timeout": "2s"}}, users=["teacher", "student1", "student2"])
    try:
        a = Plain(server, "student1")
        a.bind("phone", enable=False)
        a.send(ENABLE)
        a.until("max='2'/>")
        a.send("<presence/>")
        a.until("<presence")

        async def ask(client):
            iq = client.make_iq_set(ito="focus.localhost")
            ET.SubElement(iq.xml, f"{{{FOCUS}}}conference", room="physics@conference.localhost")
            await iq.send(timeout=10)

        async def main():
            desk = await Client(server, "student1@localhost/desk").login()
            a.send("<iq type='set' id='c' to='focus.localhost'><conference xmlns="
                   f"'{FOCUS}' room='history@conference.localhost'/></iq>")
            a.until("id='c'")
            teacher = await Client(server, "teacher@localhost/a").login()
            a.cut()
            await asyncio.sleep(0.5)
            with pytest.raises(IqError):  # the call goes on without its signaling
                await ask(desk)
            teacher.send_message("student1@localhost/phone", "late", mtype="normal")
            for _ in range(60):
                try:
                    await ask(desk)
                    break
                except IqError:
                    await asyncio.sleep(0.1)
            else:
                raise AssertionError("the slot is not free after the window")
            assert (await desk.message())["body"] == "late"  # another device gets it
            await desk.logout()
            await teacher.logout()
        run(main())
    finally:
        server.close()
