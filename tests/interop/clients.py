"""Clients for the tests: slixmpp over TCP, and XMPP over WebSocket by hand (RFC 7395)."""
import asyncio
import base64
import hashlib
import hmac
import os
import re
import socket
import ssl
import struct

import slixmpp

from lyceum import PASSWORD


def insecure_context():
    """TLS without checking the self-made certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Client(slixmpp.ClientXMPP):
    """slixmpp that keeps what it gets. Its own idea of channel binding (tls-unique, which TLS 1.3 does
    not have) is switched off unless asked for: then it falls back to PLAIN."""

    def __init__(self, server, jid, password=PASSWORD, direct_tls=False, cb=False, mechanism=None):
        config = {"feature_mechanisms": {"use_mech": mechanism}} if mechanism else {}
        super().__init__(jid, password, plugin_config=config)
        self.lyceum, self.direct_tls = server, direct_tls
        if not cb:
            plugin = self.plugin["feature_mechanisms"]
            given = plugin._default_credentials
            plugin.sasl_callback = lambda req, opt: {
                k: v for k, v in given(req, opt).items() if k != "channel_binding"}
        self.get_ssl_context = insecure_context
        self.ssl_context = insecure_context()
        self.ready = asyncio.Event()
        self.failed = asyncio.Event()
        self.gone = asyncio.Event()
        self.messages = asyncio.Queue()
        self.presences = asyncio.Queue()
        self.stream_errors = []
        self.add_event_handler("session_start", self._started)
        self.add_event_handler("message", self.messages.put_nowait)
        self.add_event_handler("presence", self.presences.put_nowait)
        self.add_event_handler("failed_all_auth", lambda _: self.failed.set())
        self.add_event_handler("disconnected", lambda _: self.gone.set())
        self.add_event_handler("stream_error", lambda e: self.stream_errors.append(e["condition"]))

    async def _started(self, _):
        self.send_presence()
        await self.get_roster()
        self.ready.set()

    def reconnect(self, *args, **kw):
        pass  # the tests say when

    async def login(self, seconds=15):
        port = self.lyceum.xmpps if self.direct_tls else self.lyceum.xmpp
        self.connect(("127.0.0.1", port), use_ssl=self.direct_tls,
                     force_starttls=not self.direct_tls, disable_starttls=self.direct_tls)
        ready = asyncio.ensure_future(self.ready.wait())
        failed = asyncio.ensure_future(self.failed.wait())
        done, waiting = await asyncio.wait({ready, failed}, timeout=seconds,
                                           return_when=asyncio.FIRST_COMPLETED)
        for w in waiting:
            w.cancel()
        if ready not in done:
            raise PermissionError("log-in failed" if failed in done else "log-in takes too long")
        return self

    async def message(self, seconds=5):
        return await asyncio.wait_for(self.messages.get(), seconds)

    async def logout(self):
        await asyncio.wait_for(self.disconnect(wait=2), 5)


def run(coroutine):
    """asyncio.run() that leaves no task of slixmpp behind."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(asyncio.wait_for(coroutine, 60))
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


class Raw:
    """A plain socket with a deadline."""

    def __init__(self, port, tls=False, alpn=None, source=None):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10,
                                             source_address=(source, 0) if source else None)
        if tls:
            context = insecure_context()
            if alpn:
                context.set_alpn_protocols(alpn)
            self.sock = context.wrap_socket(self.sock, server_hostname="localhost")

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def read_until(self, what, limit=1 << 20):
        """Reads until the text is seen or the end; gives what was read."""
        data = b""
        while what.encode() not in data and len(data) < limit:
            try:
                part = self.sock.recv(65536)
            except (ConnectionResetError, BrokenPipeError):
                break
            if not part:
                break
            data += part
        return data.decode(errors="replace")

    def read_to_end(self):
        data = b""
        while True:
            try:
                part = self.sock.recv(65536)
            except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
                return data.decode(errors="replace")
            if not part:
                return data.decode(errors="replace")
            data += part

    def close(self):
        self.sock.close()


class WebSocket:
    """A client's side of RFC 6455, just enough."""

    def __init__(self, port, tls=False, path="/xmpp-websocket", protocol="xmpp",
                 source=None):
        self.raw = Raw(port, tls, source=source)
        key = base64.b64encode(os.urandom(16)).decode()
        self.raw.send(f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\n"
                      f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      f"Sec-WebSocket-Key: {key}\r\n"
                      + (f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else "") + "\r\n")
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            part = self.raw.sock.recv(65536)
            if not part:
                break
            self.buffer += part
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])
        if self.status == 101:
            want = base64.b64encode(hashlib.sha1(
                (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
            assert b"Sec-WebSocket-Accept: " + want in head

    def send(self, text, opcode=1, mask=True):
        data = text.encode() if isinstance(text, str) else text
        n = len(data)
        head = bytes([0x80 | opcode])
        bit = 0x80 if mask else 0
        if n < 126:
            head += bytes([bit | n])
        elif n < 65536:
            head += bytes([bit | 126]) + struct.pack(">H", n)
        else:
            head += bytes([bit | 127]) + struct.pack(">Q", n)
        key = os.urandom(4)
        if mask:
            head += key
            data = bytes(b ^ key[i % 4] for i, b in enumerate(data))
        self.raw.send(head + data)

    def _need(self, n):
        while len(self.buffer) < n:
            part = self.raw.sock.recv(65536)
            if not part:
                raise EOFError
            self.buffer += part
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def recv(self):
        """The next text message, or ("close", code). Pings are answered."""
        while True:
            first, second = self._need(2)
            n = second & 0x7F
            if n == 126:
                n = struct.unpack(">H", self._need(2))[0]
            elif n == 127:
                n = struct.unpack(">Q", self._need(8))[0]
            data = self._need(n)
            opcode = first & 0x0F
            if opcode == 1:
                return data.decode()
            if opcode == 8:
                return ("close", struct.unpack(">H", data[:2])[0] if n >= 2 else 1005)
            if opcode == 9:
                self.send(data, opcode=10)

    def close(self):
        self.raw.close()


class WebSocketXmpp:
    """Logs in over a WebSocket with SCRAM-SHA-256 (RFC 7677)."""

    def __init__(self, port, tls=False):
        self.ws = WebSocket(port, tls)
        assert self.ws.status == 101

    def open(self):
        self.ws.send("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='localhost' "
                     "version='1.0'/>")
        assert "<open " in self.ws.recv()
        return self.ws.recv()

    def login(self, user, password=PASSWORD, resource="web", presence=True):
        sasl = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
        features = self.open()
        assert "SCRAM-SHA-256" in features
        nonce = base64.b64encode(os.urandom(12)).decode()
        bare = f"n={user},r={nonce}"
        first = base64.b64encode(("n,," + bare).encode()).decode()
        self.ws.send(f"<auth {sasl} mechanism='SCRAM-SHA-256'>{first}</auth>")
        answer = self.ws.recv()
        found = re.search(r">([^<]+)</challenge>", answer)
        if not found:
            return answer
        challenge = base64.b64decode(found.group(1)).decode()
        parts = dict(p.split("=", 1) for p in challenge.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(parts["s"]),
                                     int(parts["i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        without_proof = f"c=biws,r={parts['r']}"
        message = f"{bare},{challenge},{without_proof}".encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(client_key, signature))).decode()
        final = base64.b64encode(f"{without_proof},p={proof}".encode()).decode()
        self.ws.send(f"<response {sasl}>{final}</response>")
        answer = self.ws.recv()
        if "<success" not in answer:
            return answer
        assert "urn:ietf:params:xml:ns:xmpp-bind" in self.open()
        if resource is None:  # the caller resumes a session
            return "ok"
        self.ws.send("<iq xmlns='jabber:client' type='set' id='b'><bind xmlns="
                     f"'urn:ietf:params:xml:ns:xmpp-bind'><resource>{resource}</resource></bind></iq>")
        answer = self.ws.recv()
        assert f"{user}@localhost/{resource}</jid>" in answer, answer
        if presence:
            self.ws.send("<presence xmlns='jabber:client'/>")
        return "ok"

    def close_socket(self):
        """The connection breaks without a word."""
        self.ws.close()

    def until(self, what):
        """Messages until one has the text."""
        while True:
            text = self.ws.recv()
            if what in text:
                return text
