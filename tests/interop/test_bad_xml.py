"""Bad input on the XMPP ports: each gets its stream error, and a user who is logged in is not disturbed."""
import base64
import re
import socket
import ssl

import pytest

from lyceum import PASSWORD, Server

HEADER = ("<stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams'>")
BIND = ("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
        "<resource>{}</resource></bind></iq>")


class Conn:
    """Direct TLS, or clear text for what comes before."""

    def __init__(self, port, tls=True):
        self.s = socket.create_connection(("127.0.0.1", port), timeout=20)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.s = context.wrap_socket(self.s)
        self.data = ""

    def send(self, text):
        self.s.sendall(text if isinstance(text, bytes) else text.encode())

    def until(self, pattern):
        while True:
            m = re.search(pattern, self.data, re.S)
            if m:
                self.data = self.data[m.end():]
                return m
            chunk = self.s.recv(65536)
            assert chunk, f"no {pattern} in {self.data!r}"
            self.data += chunk.decode()

    def rest(self):
        """All that comes until the server ends the connection."""
        try:
            while chunk := self.s.recv(65536):
                self.data += chunk.decode()
        except (ConnectionResetError, ssl.SSLEOFError):
            pass
        return self.data

    def login(self, user, resource="r", password=PASSWORD):
        self.send(HEADER)
        self.until("</stream:features>")
        plain = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"
                  f"{plain}</auth>")
        self.until("<success")
        self.send(HEADER)
        self.until("</stream:features>")
        self.send(BIND.format(resource))
        self.until("<jid>")
        return self

    def ping(self):
        self.send("<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
        self.until("<iq[^>]* id='p'")


@pytest.fixture
def bystander(server):
    c = Conn(server.xmpps).login("teacher", "watch")
    yield c
    c.ping()
    c.s.close()


BEFORE_LOGIN = [
    ("garbage", b"\x00\xff\xfe garbage", "not-well-formed"),
    ("HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not-well-formed"),
    ("an entity bomb", "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;'>]><x>&b;</x>",
     "restricted-xml"),
    ("a comment", HEADER + "<!-- x -->", "restricted-xml"),
    ("an unknown host", HEADER.replace("localhost", "example.org"), "host-unknown"),
    ("an unknown namespace", "<stream xmlns='urn:x' version='1.0'>", "invalid-namespace"),
    ("latin 1", "<?xml version='1.0' encoding='ISO-8859-1'?>" + HEADER, "unsupported-encoding"),
    ("a stanza too early", HEADER + "<presence/>", "not-authorized"),
    ("17 kB before login", HEADER + "<auth>" + "x" * 17000, "policy-violation"),
]


@pytest.mark.parametrize("what,text,condition", BEFORE_LOGIN, ids=[r[0] for r in BEFORE_LOGIN])
def test_before_login(server, bystander, what, text, condition):
    for step in (1 << 20, 7):
        c = Conn(server.xmpp, tls=False)
        raw = text if isinstance(text, bytes) else text.encode()
        try:
            for i in range(0, len(raw), step):
                c.send(raw[i:i + step])
        except (BrokenPipeError, ConnectionResetError):
            pass  # the answer is there already
        said = c.rest()
        assert f"<{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>" in said
        assert said.endswith("</stream:stream>")
        c.s.close()


AFTER_LOGIN = [
    ("not well-formed", "<message><body></message>", "not-well-formed"),
    ("too deep", "<a>" * 100, "policy-violation"),
    ("too large", "<message><body>" + "x" * 300000, "policy-violation"),
    ("too many elements", "<message>" + "<a/>" * 30000, "policy-violation"),
    ("too many attributes", "<message " + " ".join(f"a{i}='1'" for i in range(200)) + "/>",
     "policy-violation"),
    ("a huge tag", "<message " + "a" * 200000, "policy-violation"),
    ("an unknown element", "<x xmlns='urn:x'/>", "unsupported-stanza-type"),
    ("another's address", "<message from='teacher@localhost'/>", "invalid-from"),
    ("an entity", "<message><body>&x;</body></message>", "restricted-xml"),
]


@pytest.mark.parametrize("what,text,condition", AFTER_LOGIN, ids=[r[0] for r in AFTER_LOGIN])
def test_after_login(server, bystander, what, text, condition):
    c = Conn(server.xmpps).login("student1")
    try:
        c.send(text)
    except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
        pass
    said = c.rest()
    assert f"<{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>" in said
    c.s.close()


REFUSED = [
    ("a malformed address", "<message id='1' to='@'/>", "jid-malformed"),
    ("an IQ of no type", "<iq id='1' type='x'/>", "bad-request"),
    ("an empty request", "<iq id='1' type='get'/>", "bad-request"),
    ("an unknown request", "<iq id='1' type='get' to='localhost'><x xmlns='urn:x'/></iq>",
     "service-unavailable"),
]


@pytest.mark.parametrize("what,text,condition", REFUSED, ids=[r[0] for r in REFUSED])
def test_stanza_refused(server, bystander, what, text, condition):
    c = Conn(server.xmpps).login("student1")
    c.send(text)
    c.until(f"<{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>")
    c.ping()
    c.s.close()


def test_guessing_is_slowed_down():
    """Wrong passwords end the stream at the third, and later logins from there are put off."""
    s = Server(users=("student1",))
    try:
        bad = base64.b64encode(b"\0student1\0guess").decode()
        auth = f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{bad}</auth>"
        put_off = False
        for _ in range(20):
            c = Conn(s.xmpps)
            c.send(HEADER)
            c.until("</stream:features>")
            answers = []
            for _ in range(3):
                c.send(auth)
                answers.append(c.until("<failure[^>]*><([a-z-]+)/>").group(1))
            if "temporary-auth-failure" in answers:
                put_off = True
                break
            assert answers == ["not-authorized"] * 3
            assert "<policy-violation" in c.rest()
            c.s.close()
        assert put_off
        assert s.is_alive()
    finally:
        s.close()
