"""Log-in and chat: slixmpp over STARTTLS and direct TLS, WebSocket by hand."""
import asyncio

import pytest

from clients import Client, Raw, WebSocketXmpp, run


@pytest.mark.parametrize("direct_tls", [False, True], ids=["starttls", "direct"])
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", None])
def test_mechanisms(server, direct_tls, mechanism):
    async def body():
        client = Client(server, "teacher@localhost/a", direct_tls=direct_tls, mechanism=mechanism)
        await client.login()
        assert client.boundjid.full == "teacher@localhost/a"
        await client.logout()
    run(body())


def test_slixmpp_as_it_is(server):
    """It tries -PLUS with a binding that TLS 1.3 lacks, and has to come through all the same."""
    async def body():
        client = await Client(server, "teacher@localhost/a", cb=True).login()
        await client.logout()
    run(body())


def test_wrong_password(server):
    async def body():
        with pytest.raises(PermissionError):
            await Client(server, "teacher@localhost/a", password="wrong").login()
        with pytest.raises(PermissionError):
            await Client(server, "nobody@localhost/a", password="wrong").login()
    run(body())
    assert "login-failed user=teacher" in server.log()
    assert "wrong" not in server.log()


def test_chat(server):
    async def body():
        a = await Client(server, "teacher@localhost/a").login()
        b = await Client(server, "student1@localhost/b", direct_tls=True).login()
        c = await Client(server, "student2@localhost/c").login()
        a.send_message("student1@localhost/b", "one <&> \u00fc \U0001f600", mtype="chat")
        m = await b.message()
        assert m["body"] == "one <&> \u00fc \U0001f600" and m["from"] == "teacher@localhost/a"
        m.reply("two").send()
        assert (await a.message())["body"] == "two"
        for i in range(200):  # order holds across homes
            a.send_message("student2@localhost", str(i), mtype="chat")
        assert [(await c.message())["body"] for _ in range(200)] == [str(i) for i in range(200)]
        for client in (a, b, c):
            await client.logout()
    run(body())


def test_two_resources_and_replacement(server):
    async def body():
        a = await Client(server, "teacher@localhost/a").login()
        b = await Client(server, "teacher@localhost/b").login()
        again = await Client(server, "teacher@localhost/a").login()
        await a.gone.wait()
        assert a.stream_errors == ["conflict"]
        again.send_message("teacher@localhost/b", "still here", mtype="chat")
        assert (await b.message())["body"] == "still here"
        await again.logout()
        await b.logout()
    run(body())


@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
def test_websocket(server, tls):
    web = WebSocketXmpp(server.https if tls else server.http, tls)
    assert web.login("student3") == "ok"
    web.ws.send("<message xmlns='jabber:client' to='student3@localhost/web' type='chat' id='m1'>"
                "<body>to me</body></message>")
    text = web.until("<body>to me</body>")
    assert "from='student3@localhost/web'" in text and "xmlns='jabber:client'" in text
    web.ws.send("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>")
    assert "<close " in web.until("<close ")
    assert web.ws.recv()[0] == "close"
    web.ws.close()


def test_websocket_wrong_password(server):
    web = WebSocketXmpp(server.http)
    assert "<not-authorized" in web.login("student3", "wrong")
    web.ws.close()


def test_websocket_to_tcp(server):
    async def body():
        web = WebSocketXmpp(server.http)
        assert web.login("student2") == "ok"
        client = await Client(server, "student1@localhost/b").login()
        web.ws.send("<message xmlns='jabber:client' to='student1@localhost/b' type='chat'>"
                    "<body>hi</body></message>")
        m = await client.message()
        assert m["from"] == "student2@localhost/web"
        m.reply("ho").send()
        text = await asyncio.to_thread(web.until, "<body>ho</body>")
        assert "from='student1@localhost/b'" in text
        web.ws.close()
        await client.logout()
    run(body())


HEADER = ("<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams'>")


def test_byte_by_byte(server):
    """STARTTLS refused before it is asked for; one byte per packet."""
    raw = Raw(server.xmpp)
    for c in HEADER:
        raw.send(c)
    assert "<required/>" in raw.read_until("</stream:features>")
    raw.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>")
    text = raw.read_until("</failure>")
    assert "<failure" in text and "success" not in text
    raw.close()


def test_injection_behind_starttls(server):
    """What is sent in the clear behind <starttls/> must not count as sent inside."""
    raw = Raw(server.xmpp)
    raw.send(HEADER + "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" + HEADER)
    text = raw.read_to_end()
    assert "<proceed" not in text and "data behind starttls" in text
    raw.close()
