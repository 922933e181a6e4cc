"""SCRAM with channel binding over a real TLS connection: openssl's client exports the keying material
(RFC 9266), so that both ends are checked against another implementation."""
import base64
import hashlib
import hmac
import re
import ssl
import subprocess
import time

import pytest

from lyceum import PASSWORD

HEADER = ("<stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams'>")
SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"


class OpenSsl:
    """openssl s_client on the port for direct TLS, with its report of the exported keys."""

    def __init__(self, port):
        self.p = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-keymatexport",
             "EXPORTER-Channel-Binding", "-keymatexportlen", "32", "-nocommands", "-ign_eof"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.data = b""
        report = self.until(b"Keying material: ([0-9A-F]{64})")
        self.exporter = bytes.fromhex(report.group(1).decode())

    def send(self, text):
        self.p.stdin.write(text.encode())
        self.p.stdin.flush()

    def until(self, pattern, seconds=10):
        """Reads until the pattern is there; what came before it is dropped."""
        end = time.time() + seconds
        while time.time() < end:
            m = re.search(pattern, self.data, re.S)
            if m:
                self.data = self.data[m.end():]
                return m
            chunk = self.p.stdout.read1(65536)
            if not chunk:
                break
            self.data += chunk
        raise AssertionError(f"no {pattern} in {self.data!r}")

    def close(self):
        self.p.kill()
        self.p.wait()
        self.p.stdin.close()
        self.p.stdout.close()


def endpoint_binding(port):
    """tls-server-end-point (RFC 5929 s. 4) of a certificate signed with SHA-256."""
    pem = ssl.get_server_certificate(("127.0.0.1", port))
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()


def b64(data):
    return base64.b64encode(data).decode()


def scram(c, digest, mechanism, gs2, binding, password=PASSWORD):
    """Runs SCRAM; True on success with the right signature of the server, else the condition."""
    c.send(HEADER)
    c.until(b"</stream:features>")
    bare = "n=student1,r=fyko+d2lbbFgONRv9qkxdawL"
    c.send(f"<auth {SASL} mechanism='{mechanism}'>{b64((gs2 + bare).encode())}</auth>")
    answer = c.until(b"<challenge[^>]*>([^<]*)</challenge>|<failure[^>]*><([a-z-]+)/>")
    if answer.group(2):
        return answer.group(2).decode()
    first = base64.b64decode(answer.group(1)).decode()
    nonce, salt, rounds = re.fullmatch(r"r=([^,]*),s=([^,]*),i=(\d+)", first).groups()
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), base64.b64decode(salt), int(rounds))

    def mac(key, data):
        return hmac.new(key, data.encode(), digest).digest()

    client = mac(salted, "Client Key")
    final = f"c={b64(gs2.encode() + binding)},r={nonce}"
    auth = f"{bare},{first},{final}"
    proof = bytes(a ^ b for a, b in zip(client, mac(hashlib.new(digest, client).digest(), auth)))
    c.send(f"<response {SASL}>{b64(f'{final},p={b64(proof)}'.encode())}</response>")
    answer = c.until(b"<success[^>]*>([^<]*)</success>|<failure[^>]*><([a-z-]+)/>")
    if answer.group(2):
        return answer.group(2).decode()
    want = f"v={b64(mac(mac(salted, 'Server Key'), auth))}"
    assert base64.b64decode(answer.group(1)).decode() == want
    return True


@pytest.mark.parametrize("digest,name", [("sha1", "SCRAM-SHA-1"), ("sha256", "SCRAM-SHA-256")])
@pytest.mark.parametrize("kind", ["exporter", "endpoint", "none"])
def test_bound(server, digest, name, kind):
    c = OpenSsl(server.xmpps)
    try:
        if kind == "exporter":
            args = f"{name}-PLUS", "p=tls-exporter,,", c.exporter
        elif kind == "endpoint":
            args = f"{name}-PLUS", "p=tls-server-end-point,,", endpoint_binding(server.xmpps)
        else:
            args = name, "n,,", b""
        assert scram(c, digest, *args) is True
    finally:
        c.close()


@pytest.mark.parametrize("what,mechanism,gs2,binding", [
    ("of another connection", "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", b"x" * 32),
    ("a type that TLS 1.3 does not have", "SCRAM-SHA-256-PLUS", "p=tls-unique,,", b"x" * 12),
    ("PLUS taken out of the offer on the way", "SCRAM-SHA-256", "y,,", b""),
    ("PLUS without binding", "SCRAM-SHA-256-PLUS", "n,,", b""),
])
def test_refused(server, what, mechanism, gs2, binding):
    c = OpenSsl(server.xmpps)
    try:
        assert scram(c, "sha256", mechanism, gs2, binding) == "not-authorized"
    finally:
        c.close()
