"""What a peer must not send, on every port: a clear answer, a log line, and nobody else is disturbed."""
import os
import time

import pytest

from clients import Client, Raw, WebSocket, WebSocketXmpp, insecure_context, run
from lyceum import PASSWORD, Server
from test_login import HEADER


@pytest.fixture(autouse=True)
def still_serving(server):
    """After each test somebody else can log in and talk."""
    yield
    assert server.is_alive(), server.log()[-4000:]

    async def body():
        a = await Client(server, "student3@localhost/x").login()
        a.send_message("student3@localhost/x", "alive", mtype="chat")
        assert (await a.message())["body"] == "alive"
        await a.logout()
    run(body())


@pytest.mark.parametrize("port", ["xmpp", "xmpps", "http", "https"])
def test_garbage(server, port):
    for size in (1, 100, 5000, 200000):
        raw = Raw(getattr(server, port))
        try:
            raw.send(os.urandom(size))
            raw.sock.shutdown(1)
        except OSError:
            pass  # closed already
        raw.read_to_end()
        raw.close()


@pytest.mark.parametrize("text, condition", [
    ("GET / HTTP/1.1\r\n\r\n", "not-well-formed"),
    ("<a>", "stream"),
    (HEADER + "<a></b>", "not-well-formed"),
    (HEADER + "<!-- comment -->", "restricted-xml"),
    ("<!DOCTYPE a [<!ENTITY x 'y'>]>" + HEADER, "restricted-xml"),
    (HEADER + "<?target?>", "restricted-xml"),
    (HEADER + "<message>&undefined;</message>", "-"),
    (HEADER.replace("to='localhost'", "to='elsewhere.example'"), "host-unknown"),
    (HEADER.replace("http://etherx.jabber.org/streams", "urn:x"), "invalid-namespace"),
    (HEADER + "<message xmlns='jabber:client' to='a@localhost'/>", "not-authorized"),
    (HEADER + "<x xmlns='urn:unknown'/>", "-"),
    (HEADER + "\xff\xfe".encode("latin1").decode("latin1"), "-"),
], ids=lambda v: v[-28:] if len(v) > 28 else v)
def test_bad_stream(server, text, condition):
    raw = Raw(server.xmpp)
    raw.send(text)
    got = raw.read_until("</stream:stream>")
    assert "<stream:error>" in got, got
    if condition not in ("-", "stream"):
        assert f"<{condition} " in got, got
    raw.close()


def test_deep_and_large_before_login(server):
    for text in ("<a>" * 200, "<a b='" + "x" * 100000 + "'/>",
                 "<a " + " ".join(f"a{i}=''" for i in range(500)) + "/>"):
        raw = Raw(server.xmpp)
        raw.send(HEADER + text)
        got = raw.read_until("</stream:stream>")
        assert "<policy-violation " in got, got
        raw.close()


def test_large_stanza_after_login(server):
    async def body():
        a = await Client(server, "teacher@localhost/big").login()
        a.send_message("teacher@localhost/big", "y" * 100000, mtype="chat")
        assert len((await a.message())["body"]) == 100000
        a.send_message("teacher@localhost/big", "x" * 400000, mtype="chat")
        await a.gone.wait()
        assert a.stream_errors == ["policy-violation"]
    run(body())


def test_unknown_namespace_after_login(server):
    async def body():
        a = await Client(server, "teacher@localhost/a").login()
        iq = a.make_iq_get(ito="localhost")
        iq.append(__import__("xml.etree.ElementTree", fromlist=["x"]).Element("{urn:unknown}query"))
        try:
            await iq.send(timeout=5)
            raise AssertionError("answered")
        except Exception as e:
            assert "service-unavailable" in str(e.iq) or "feature-not-implemented" in str(e.iq)
        await a.logout()
    run(body())


@pytest.mark.parametrize("data, opcode, mask, code", [
    ("<open/>", 1, False, 1002),
    (b"\x00\x01", 2, True, 1003),
    (b"\xff\xff", 1, True, 1007),
    ("x" * 300000, 1, True, 1009),
])
def test_bad_websocket(server, data, opcode, mask, code):
    ws = WebSocket(server.http)
    ws.send(data, opcode, mask)
    assert ws.recv() == ("close", code)
    ws.close()


def test_bad_xml_on_websocket(server):
    for text in ("not xml", "<open/>", "<message xmlns='jabber:client'/>",
                 "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='elsewhere.example' version='1.0'/>"):
        ws = WebSocket(server.http)
        ws.send(text)
        got = []
        try:
            while not isinstance(got[-1] if got else "", tuple):
                got.append(ws.recv())
        except EOFError:
            pass
        assert any("error" in g for g in got if isinstance(g, str)), got
        ws.close()


def test_websocket_without_subprotocol(server):
    ws = WebSocket(server.http, protocol=None)
    assert ws.status == 400
    ws.close()


def test_bridge_channel_nobody_knows(server):
    ws = WebSocket(server.http, path="/colibri-ws/0/abc/def?pwd=x", protocol=None)
    if ws.status == 101:
        assert isinstance(ws.recv(), tuple)
    ws.close()


@pytest.mark.parametrize("path", [
    "/../../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd",
    "/assets/../../lyceum.conf", "/assets/%2e%2e/%2e%2e/lyceum.conf", "/.hidden", "/%00", "/link/passwd",
])
def test_path_traversal(server, path):
    link = server.path / "web" / "link"
    if not link.exists():
        link.symlink_to("/etc")
    raw = Raw(server.http)
    raw.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    got = raw.read_to_end()
    assert got.startswith(("HTTP/1.1 400 ", "HTTP/1.1 404 ")), got
    assert "root:" not in got and "[server]" not in got
    raw.close()


def test_wrong_alpn(server):
    for port, alpn in ((server.xmpps, ["http/1.1"]), (server.https, ["xmpp-client"])):
        with pytest.raises(OSError):
            Raw(port, tls=True, alpn=alpn).read_to_end()
    raw = Raw(server.xmpps, tls=True, alpn=["xmpp-client"])
    assert raw.sock.selected_alpn_protocol() == "xmpp-client"
    raw.close()


def test_old_tls(server):
    import socket
    import ssl
    context = insecure_context()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", server.https)) as s:
        assert context.wrap_socket(s, server_hostname="localhost").version() == "TLSv1.2"
    context = insecure_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", server.https)) as s:
        with pytest.raises(OSError):
            context.wrap_socket(s, server_hostname="localhost")


def test_half_a_request_and_many_connections(server):
    held = [Raw(port) for port in (server.xmpp, server.http, server.https) for _ in range(30)]
    for raw in held[30:60]:
        raw.send("GET / HT")
    raw = Raw(server.http)
    raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert "Lyceum" in raw.read_until("</title>")
    for r in held + [raw]:
        r.close()


def test_login_limits():
    """Failures of one address are limited; the others' log-in is not, once they come from elsewhere."""
    s = Server({"limits": {"login_failures": 3, "login_timeout": "2s", "connections_per_address": 5}},
               users=("teacher",))
    try:
        for _ in range(3):
            web = WebSocketXmpp(s.http)
            assert "<not-authorized" in web.login("teacher", "wrong")
            web.ws.close()
        web = WebSocketXmpp(s.http)
        assert "<temporary-auth-failure" in web.login("teacher", PASSWORD)
        web.ws.close()
        assert "reason=too-many-failures" in s.log()
        time.sleep(0.2)
        # a connection that never logs in ends with connection-timeout
        raw = Raw(s.xmpp)
        raw.send(HEADER)
        got = raw.read_until("</stream:stream>")
        assert "<connection-timeout " in got, got
        silent, in_tls = Raw(s.xmpp), Raw(s.xmpps)
        silent.sock.settimeout(8)
        in_tls.sock.settimeout(8)
        silent.read_to_end()
        assert in_tls.read_to_end() == ""
        for r in (raw, silent, in_tls):
            r.close()
        time.sleep(1)  # they count until the server has seen it
        # too many at a time: the sixth is closed at once
        held = [Raw(s.http) for _ in range(5)]
        time.sleep(0.2)
        sixth = Raw(s.http)
        assert sixth.read_to_end() == ""
        assert "reason=too-many-connections" in s.log()
        for r in held + [sixth]:
            r.close()
    finally:
        s.close()


def test_client_that_does_not_read():
    """Its queue has a limit; who sends to it is not held up."""
    s = Server({"limits": {"stream_queue": 65536, "stream_rate": 0}, "log": {"level": "info"}},
               users=("teacher", "student1"))
    try:
        slow = WebSocketXmpp(s.http)
        assert slow.login("student1") == "ok"
        fast = WebSocketXmpp(s.http)
        assert fast.login("teacher") == "ok"
        body = "z" * 20000
        for _ in range(600):
            fast.ws.send("<message xmlns='jabber:client' to='student1@localhost/web' type='headline'>"
                         f"<body>{body}</body></message>")
        s.wait_log("error=resource-constraint")
        fast.ws.send("<message xmlns='jabber:client' to='teacher@localhost/web' type='chat'>"
                     "<body>done</body></message>")
        fast.until("<body>done</body>")
        slow.ws.close()
        fast.ws.close()
    finally:
        s.close()


def test_stream_rate():
    """More than its share: reading slows down, nothing is lost, the others do not wait."""
    s = Server({"limits": {"stream_rate": 65536, "stanza_size": "256KiB"}}, users=("teacher", "student1"))
    try:
        fast = WebSocketXmpp(s.http)
        assert fast.login("teacher") == "ok"
        began = time.time()
        for i in range(8):  # 480 kB; four seconds' worth may come at once
            fast.ws.send("<message xmlns='jabber:client' to='teacher@localhost/web' type='headline'>"
                         f"<body>{i}{'x' * 60000}</body></message>")
        other = WebSocketXmpp(s.http)
        assert other.login("student1") == "ok"
        assert time.time() - began < 3
        for i in range(8):
            fast.until(f"<body>{i}x")
        assert time.time() - began > 1.5
        other.ws.close()
        fast.ws.close()
    finally:
        s.close()


def test_guessing_one_account():
    """One account's failures count wherever they come from; other accounts are not held up."""
    s = Server({"limits": {"login_failures": 4}}, users=("teacher", "student1"))
    try:
        def attempt(user, password, source):
            raw = WebSocketXmpp.__new__(WebSocketXmpp)
            raw.ws = WebSocket(s.http, source=source)
            answer = raw.login(user, password)
            raw.ws.close()
            return answer
        for i in range(4):
            assert "<not-authorized" in attempt("teacher", "wrong", f"127.0.0.{10 + i}")
        assert "<temporary-auth-failure" in attempt("teacher", PASSWORD, "127.0.0.20")
        assert attempt("student1", PASSWORD, "127.0.0.20") == "ok"
    finally:
        s.close()
