"""lyceumd as a process: refusing to start, signals, reload, static files."""
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from clients import Client, Raw, WebSocketXmpp, run
from lyceum import LYCEUMD, Server


def start_fails(conf, *words):
    s = Server(conf, start=False)
    try:
        done = subprocess.run([LYCEUMD, "-c", s.conf], capture_output=True, text=True, timeout=20)
        assert done.returncode == 1, done
        for word in words:
            assert word in done.stderr, done.stderr
    finally:
        s.close()


def test_port_in_use():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        start_fails({"listen": {"http": f"127.0.0.1:{port}"}},
                    f"127.0.0.1:{port}", "Address already in use", "[listen] http")


def test_missing_certificate():
    start_fails({"tls": {"certificate": "/nowhere/cert.pem", "key": "/nowhere/key.pem"}},
                "/nowhere/cert.pem", "No such file", "[tls]", "lyceum.conf")


def test_certificate_that_is_none(tmp_path):
    bad = tmp_path / "cert.pem"
    bad.write_text("not a certificate\n")
    start_fails({"tls": {"certificate": bad, "key": bad}}, str(bad), "[tls]")


def test_unknown_key():
    start_fails({"listen": {"htpp": "127.0.0.1:1"}}, "lyceum.conf:", "htpp", "http")


def test_address_of_another_machine():
    start_fails({"listen": {"http": "192.0.2.77:1234"}}, "192.0.2.77:1234", "[listen] http")


def test_options():
    def call(*args):
        return subprocess.run([LYCEUMD, *args], capture_output=True, text=True, timeout=20)
    assert call("--version").stdout.startswith("lyceumd ")
    assert "--check-config" in call("--help").stdout
    assert call("--nonsense").returncode == 2
    assert call("-c", "/nowhere.conf").returncode == 1
    s = Server(start=False)
    assert call("-c", s.conf, "--check-config").returncode == 0
    s.close()


def test_shutdown_tells_the_clients():
    s = Server(users=("teacher", "student1"))

    async def body():
        a = await Client(s, "teacher@localhost/a").login()
        b = await Client(s, "student1@localhost/b", direct_tls=True).login()
        web = WebSocketXmpp(s.http)
        assert web.login("student1") == "ok"
        idle = Raw(s.xmpp)
        began = time.time()
        s.process.send_signal(signal.SIGTERM)
        await a.gone.wait()
        await b.gone.wait()
        assert a.stream_errors == ["system-shutdown"] and b.stream_errors == ["system-shutdown"]
        web.until("system-shutdown")
        idle.read_to_end()
        web.ws.close()
        s.stop()
        assert time.time() - began < 6
    run(body())
    s.close()


def test_kill_under_load():
    """SIGTERM while messages fly: ends in time, with status 0."""
    s = Server(users=("teacher", "student1"))
    web = WebSocketXmpp(s.http)
    assert web.login("teacher") == "ok"
    for i in range(300):
        web.ws.send("<message xmlns='jabber:client' to='student1@localhost' type='chat'>"
                    f"<body>{i}</body></message>")
    s.process.send_signal(signal.SIGTERM)
    s.close()
    web.ws.close()


def test_reload(tmp_path):
    """SIGHUP: a new certificate is used, a bad file changes nothing, connections stay."""
    import ssl
    s = Server(users=("teacher",))
    web = WebSocketXmpp(s.http)
    assert web.login("teacher") == "ok"
    before = ssl.get_server_certificate(("127.0.0.1", s.https))
    for name in ("cert.pem", "key.pem"):
        (s.path / "data" / name).unlink()
    s.process.send_signal(signal.SIGHUP)
    s.wait_log("server reloaded")
    assert ssl.get_server_certificate(("127.0.0.1", s.https)) != before
    good = s.conf.read_text()
    s.conf.write_text(good + "[nonsense]\n")
    s.process.send_signal(signal.SIGHUP)
    s.wait_log("reload-failed")
    web.ws.send("<message xmlns='jabber:client' to='teacher@localhost/web' type='chat'>"
                "<body>still here</body></message>")
    web.until("still here")
    web.ws.close()
    s.close()


def test_out_of_descriptors():
    """More connections than file descriptors: who is too many is turned away, then all is well again."""
    s = Server(users=("teacher",), start=False)
    s.start(limits=("--nofile=110:110",))
    held = []
    for _ in range(150):
        raw = Raw(s.http)
        raw.sock.settimeout(5)
        held.append(raw)
    s.wait_log("accept-failed")
    assert s.is_alive()
    for raw in held:
        raw.close()
    end = time.time() + 10
    while True:
        try:
            assert get(s, "/")[0].startswith("HTTP/1.1 200 ")
            break
        except (OSError, AssertionError):
            assert time.time() < end
            time.sleep(0.2)
    s.close()


def test_key_is_private(server):
    assert os.stat(server.path / "data" / "key.pem").st_mode & 0o777 == 0o600
    assert os.stat(server.path / "data" / "secret").st_mode & 0o777 == 0o600


def test_log_lines(server):
    for line in server.log().splitlines():
        assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
                        r"(ERROR|WARN|INFO|DEBUG) [a-z0-9-]+(\[[^\]]*\])? \S", line), line


def get(server, path, headers="", tls=False, method="GET"):
    raw = Raw(server.https if tls else server.http, tls)
    raw.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
    head, _, body = raw.read_to_end().partition("\r\n\r\n")
    raw.close()
    return head, body


@pytest.mark.parametrize("tls", [False, True])
def test_pages(server, tls):
    head, body = get(server, "/", tls=tls)
    assert head.startswith("HTTP/1.1 200 ") and "Lyceum" in body
    assert "Cache-Control: no-cache" in head and "text/html" in head
    assert "Content-Security-Policy: " in head
    assert "camera=(self), microphone=(self), display-capture=(self)" in head
    etag = re.search(r"ETag: (\S+)", head).group(1)
    assert get(server, "/", f"If-None-Match: {etag}\r\n", tls)[0].startswith("HTTP/1.1 304 ")
    assert "Operator" in get(server, "/operator", tls=tls)[1]
    head, body = get(server, "/assets/a-1234.js", tls=tls)
    assert "immutable" in head and "text/javascript" in head
    head, body = get(server, "/config.json", tls=tls)
    assert '"websocket":"/xmpp-websocket"' in body and '"muc":"conference.localhost"' in body
    assert get(server, "/nix", tls=tls)[0].startswith("HTTP/1.1 404 ")
    head, body = get(server, "/", tls=tls, method="HEAD")
    assert head.startswith("HTTP/1.1 200 ") and body == ""
    assert get(server, "/", tls=tls, method="POST")[0].startswith("HTTP/1.1 405 ")
    assert "wss://" in get(server, "/.well-known/host-meta", tls=True)[1]


def test_media_on_all_addresses():
    """The default, `*`, stands for all addresses of both families."""
    server = Server({"listen": {"media": "*:0"}}, start=False)
    try:
        conf = server.conf.read_text().replace("media = *:0", f"media = *:{server.media}")
        server.conf.write_text(conf)
        server.start()
        assert "media-started" in server.log()
    finally:
        server.close()


def test_archive_is_said_to_be_missing():
    """A key that is accepted without effect does not look as if it had one."""
    server = Server({"archive": {"enabled": "true"}})
    try:
        server.wait_log("no-archive")
    finally:
        server.close()
