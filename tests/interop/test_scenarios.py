"""The scenario scripts of tests/scenario/scripts against a real lyceumd, one client per WebSocket. What the
language means: scripts/README. Long waits, which there only let accounts leave memory, are cut short."""
import itertools
import re
import time
import xml.etree.ElementTree as ET

import pytest

from clients import WebSocketXmpp
from lyceum import TOP, Server

SCRIPTS = sorted((TOP / "tests" / "scenario" / "scripts").glob("*.txt"))
CLIENT = "{jabber:client}"
LONGEST_WAIT = 1.0
serial = itertools.count(1)


def is_same_text(want, got):
    want, got = (want or "").strip(), (got or "").strip()
    return want in ("", "*", got)


def matches(want, got):
    """As tests/scenario/match.c."""
    if want.tag != got.tag or not is_same_text(want.text, got.text):
        return False
    for name, value in want.attrib.items():
        have = got.get(name)
        if name == "absent":
            continue
        if value == "!":
            if have is not None:
                return False
        elif have is None or value not in ("*", have):
            return False
    rest = iter(got)
    for child in want:
        if child.get("absent"):
            if got.find(child.tag) is not None:
                return False
        elif not any(matches(child, g) for g in rest):
            return False
    return True


class Peer:
    def __init__(self, server, label):
        self.user, _, resource = label.partition("/")
        self.resource = resource or "web"
        self.client = WebSocketXmpp(server.http)
        assert self.client.login(self.user, resource=self.resource, presence=False) == "ok"
        self.inbox = []
        self.end = None

    def read(self, seconds):
        """Takes what arrives until then or until one stanza is there. @return whether something came"""
        self.client.ws.raw.sock.settimeout(seconds)
        try:
            text = self.client.ws.recv()
        except (TimeoutError, EOFError, OSError):
            return False
        finally:
            self.client.ws.raw.sock.settimeout(10)
        if isinstance(text, tuple):
            return False
        el = ET.fromstring(text)
        if el.tag == "{http://etherx.jabber.org/streams}error":
            self.end = el[0].tag.partition("}")[2]
        elif el.tag.startswith(CLIENT):
            self.inbox.append(el)
        return True

    def sync(self):
        """Returns when the server has taken all that was sent."""
        name = f"sync-{next(serial)}"
        self.client.ws.send(f"<iq xmlns='jabber:client' type='get' id='{name}'>"
                            "<ping xmlns='urn:xmpp:ping'/></iq>")
        until = time.time() + 5
        while time.time() < until:
            for el in self.inbox:
                if el.get("id") == name:
                    self.inbox.remove(el)
                    return
            if not self.read(5):
                break
        assert self.end, "no answer to a ping"


class Run:
    def __init__(self, path):
        self.lines = path.read_text().splitlines()
        self.at, self.peers, self.server = 0, {}, None

    def block(self):
        text = []
        while self.at < len(self.lines) and (not self.lines[self.at]
                                             or self.lines[self.at][0].isspace()):
            text.append(self.lines[self.at])
            self.at += 1
        return ET.fromstring("<block xmlns='jabber:client'>" + "\n".join(text) + "</block>")

    def settle(self):
        """What is under way between homes and at the store arrives."""
        time.sleep(0.06)
        for peer in self.peers.values():
            if not peer.end:
                peer.sync()

    def sends(self, peer):
        for el in self.block():
            peer.client.ws.send(ET.tostring(el, encoding="unicode"))
        peer.sync()

    def receives(self, peer, line):
        want = list(self.block())
        until = time.time() + 5
        while len(peer.inbox) < len(want) and time.time() < until:
            peer.read(max(0.01, until - time.time()))
        got, peer.inbox = peer.inbox[:len(want)], peer.inbox[len(want):]
        for w in want:
            found = next((g for g in got if matches(w, g)), None)
            assert found is not None, (f"line {line}: no match for {ET.tostring(w)}\namong "
                                       f"{[ET.tostring(g) for g in got]}")
            got.remove(found)

    def peer_line(self, label, verb, line):
        if verb == "connects":
            self.peers[label] = Peer(self.server, label)
            return
        peer = self.peers[label]
        if verb == "sends:":
            self.sends(peer)
        elif verb == "receives:":
            self.receives(peer, line)
        elif verb == "receives nothing":
            self.settle()
            assert not peer.inbox, f"line {line}: {[ET.tostring(e) for e in peer.inbox]}"
        elif verb == "forgets":
            self.settle()
            peer.inbox = []
        elif verb == "disconnects":
            self.settle()
            peer.client.close_socket()
            del self.peers[label]
            time.sleep(0.1)
        elif verb.startswith("is closed:"):
            until = time.time() + 5
            while not peer.end and time.time() < until:
                peer.read(1)
            assert peer.end == verb[10:].strip(), f"line {line}"
            peer.client.close_socket()
            del self.peers[label]
        else:
            raise AssertionError(f"line {line}: unknown command {verb}")

    def run(self):
        while self.at < len(self.lines):
            line = self.lines[self.at]
            self.at += 1
            word, _, rest = line.partition(" ")
            if not line or line[0] == "#" or word == "title:":
                continue
            if word == "users:":
                self.server = Server(users=rest.split())
            elif word == "wait":
                n, unit = re.fullmatch(r"(\d+)(ms|s)", rest).groups()
                time.sleep(min(LONGEST_WAIT, int(n) / (1000 if unit == "ms" else 1)))
            else:
                self.peer_line(word, rest, self.at)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.stem)
def test_script(path):
    script = Run(path)
    try:
        script.run()
    finally:
        if script.server:
            script.server.close()
