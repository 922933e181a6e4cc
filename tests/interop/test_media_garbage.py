"""What strangers send to the media port: it is counted and logged, and the calls go on."""
import os
import re
import socket
import struct
import time
import zlib

import pytest

from clients import Raw, run
from lyceum import Server
from test_call_rules import login, logout, talk


@pytest.fixture(scope="module")
def server():
    s = Server({"calls": {"lost_after_s": "60s"}}, users=("student1", "student2"))
    yield s
    s.close()


def attribute(kind, value):
    return struct.pack(">HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def binding(username, integrity=b"\xaa" * 20):
    """A binding request of RFC 8489 whose MESSAGE-INTEGRITY is wrong; its FINGERPRINT is right."""
    body = attribute(0x0006, username.encode()) + attribute(0x0024, struct.pack(">I", 1))
    if integrity:
        body += attribute(0x0008, integrity)
    head = struct.pack(">HHI", 1, len(body) + 8, 0x2112A442) + os.urandom(12)
    crc = (zlib.crc32(head + body) & 0xFFFFFFFF) ^ 0x5354554E
    return head + body + attribute(0x8028, struct.pack(">I", crc))


def drops(server):
    raw = Raw(server.http)
    raw.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    text = raw.read_to_end()
    raw.close()
    return {m[0]: int(m[1]) for m in re.findall(r'lyceum_media_dropped_total{reason="(\w+)"} (\d+)', text)}


def test_media_port(server):
    async def main():
        a, b = await login(server, "student1/web", "student2/web")
        offer = await a.join("udp")
        await b.join("udp")
        ufrag = next(offer.iter("{urn:xmpp:jingle:transports:ice-udp:1}transport")).get("ufrag")
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect(("127.0.0.1", server.media))
        sock.settimeout(0.5)
        rtp = struct.pack(">BBHII", 0x80, 111, 7, 960, a.ssrc) + os.urandom(100)
        rtcp = struct.pack(">BBHI", 0x80, 201, 1, a.ssrc) + os.urandom(14)
        dtls = b"\x16\xfe\xff" + b"\0" * 8 + struct.pack(">H", 60) + os.urandom(60)
        before = drops(server)
        for reason, datagrams in {
            "authentication": [binding(f"{ufrag}:abcd")],                # known user, wrong integrity
            "unknown_address": [rtp, rtcp, dtls, binding("nobody:abcd")],
            "malformed": [b"", b"\xff", b"\x00\x01\xff\xff" + os.urandom(40), os.urandom(3)],
        }.items():
            for datagram in datagrams * 5:
                sock.send(datagram)
            time.sleep(0.1)
            assert reason in before
        for _ in range(300):  # all kinds of first bytes (RFC 7983)
            sock.send(os.urandom(1 + os.urandom(1)[0] * 5))
        answers = []
        with pytest.raises(TimeoutError):
            while True:
                answers.append(sock.recv(2000))
        # nothing but error responses (RFC 8489), none longer than what it answers
        assert answers and all(r[:2] == b"\x01\x11" and b"Unauthorized" in r and
                               len(r) <= len(binding(f"{ufrag}:abcd")) for r in answers), answers
        assert len(answers) <= 5, len(answers)
        end = time.time() + 5
        while True:
            after = drops(server)
            if all(after[r] > before[r] for r in ("authentication", "unknown_address")):
                break
            assert time.time() < end, (before, after)
            time.sleep(0.2)
        server.wait_log("dropped unknown_address=")
        await talk(a, b)
        await talk(b, a)
        await logout(a, b)
    run(main())
