"""A participant of group calls without media: it signals as a browser does, and its tests are rude."""
import asyncio
import random
import re
import xml.etree.ElementTree as ET

from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from clients import WebSocket
from test_rooms import Guest

FOCUS = "http://jitsi.org/protocol/focus"
CALLS = "urn:lyceum:calls:0"
JINGLE = "urn:xmpp:jingle:1"
RTP = "urn:xmpp:jingle:apps:rtp:1"
SSMA = "urn:xmpp:jingle:apps:rtp:ssma:0"
ICE = "urn:xmpp:jingle:transports:ice-udp:1"
DTLS = "urn:xmpp:jingle:apps:dtls:0"
COLIBRI = "http://jitsi.org/protocol/colibri"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
ROOMS = "conference.localhost"
FINGERPRINT = ":".join(["AB"] * 32)


def source(name, ssrc, rtx=0, **attributes):
    """(kind, name, ssrc, rtx, attributes) from a name like ab12-v0"""
    return ("audio" if "-a" in name else "video", name, ssrc, rtx, attributes)


class Member(Guest):
    def __init__(self, server, jid, nick=None):
        super().__init__(server, jid)
        self.nick = nick or f"{random.getrandbits(32):08x}"
        self.endpoint = self.nick  # until it is invited under another nick
        self.jingles = asyncio.Queue()
        self.calls = asyncio.Queue()
        self.register_handler(Callback("jingle", MatchXPath(
            f"{{jabber:client}}iq/{{{JINGLE}}}jingle"), self._jingle))
        self.register_handler(Callback("call", MatchXPath(
            f"{{jabber:client}}message/{{{CALLS}}}call"), self._call))

    def _jingle(self, iq):
        if iq["type"] == "set":
            iq.reply().send()
            jingle = iq.xml.find(f"{{{JINGLE}}}jingle")
            jingle.set("from", str(iq["from"]))
            self.jingles.put_nowait(jingle)

    def _call(self, message):
        assert message["type"] == "headline"
        self.calls.put_nowait(message.xml.find(f"{{{CALLS}}}call"))

    async def ask(self, room, move=None):
        iq = self.make_iq_set(ito="focus.localhost")
        conference = ET.SubElement(iq.xml, f"{{{FOCUS}}}conference", room=f"{room}@{ROOMS}")
        ET.SubElement(conference, f"{{{FOCUS}}}property", name="device", value=self.boundjid.resource)
        if move:
            ET.SubElement(conference, f"{{{CALLS}}}move", id=move)
        answer = await iq.send(timeout=10)
        self.room, self.call = room, answer.xml.find(f"{{{FOCUS}}}conference").get("id")
        return self.call

    def present(self, *children, nick=None):
        presence = self.make_presence(pto=f"{self.room}@{ROOMS}/{nick or self.nick}")
        ET.SubElement(presence.xml, "{http://jabber.org/protocol/muc}x")
        for child in children:
            presence.xml.append(child)
        presence.send()

    async def jingle(self, action, seconds=5):
        """The next one with this action."""
        while True:
            got = await asyncio.wait_for(self.jingles.get(), seconds)
            if got.get("action") == action:
                return got

    async def hears_of(self, action, name):
        """Of this source."""
        while not any(e.get("name") == name for e in (await self.jingle(action)).iter()):
            pass

    async def call_state(self, state, seconds=5, **attributes):
        while True:
            got = await asyncio.wait_for(self.calls.get(), seconds)
            if got.get("state") == state and attributes.items() <= got.attrib.items():
                return got

    async def offer(self):
        offer = await self.jingle("session-initiate")
        self.sid, self.focus = offer.get("sid"), offer.get("from")
        self.endpoint = self.nick
        socket = next(offer.iter(f"{{{COLIBRI}}}web-socket"))
        self.bridge_path = re.sub(r"^wss?://[^/]*", "", socket.get("url"))
        return offer

    def make_jingle(self, action, sources=(), sid=None, transport=False):
        iq = self.make_iq_set(ito=self.focus)
        jingle = ET.SubElement(iq.xml, f"{{{JINGLE}}}jingle", action=action, sid=sid or self.sid)
        for kind in ("audio", "video"):
            content = ET.SubElement(jingle, f"{{{JINGLE}}}content", name=kind, creator="initiator")
            description = ET.SubElement(content, f"{{{RTP}}}description", media=kind)
            for _, name, ssrc, rtx, attributes in (s for s in sources if s[0] == kind):
                el = ET.SubElement(description, f"{{{SSMA}}}source", ssrc=str(ssrc), name=name)
                for key, value in attributes.items():
                    ET.SubElement(el, f"{{{SSMA}}}parameter", name=key, value=value)
                if rtx:
                    group = ET.SubElement(description, f"{{{SSMA}}}ssrc-group", semantics="FID")
                    for n in (ssrc, rtx):
                        ET.SubElement(group, f"{{{SSMA}}}source", ssrc=str(n))
            if transport:
                t = ET.SubElement(content, f"{{{ICE}}}transport", ufrag="abcd", pwd="p" * 24)
                ET.SubElement(t, f"{{{DTLS}}}fingerprint", hash="sha-256",
                              setup="active").text = FINGERPRINT
        return iq

    async def send_jingle(self, action, sources=(), **kw):
        return await self.make_jingle(action, sources, **kw).send(timeout=10)

    async def accept(self, sources=None):
        if sources is None:
            first = random.getrandbits(31)
            self.ssrc = first
            sources = [source(f"{self.nick}-a0", first), source(f"{self.nick}-v0", first + 1, first + 2)]
        await self.send_jingle("session-accept", sources, transport=True)

    async def join(self, room, move=None):
        """Until its call runs."""
        await self.ask(room, move)
        self.present()
        offer = await self.offer()
        await self.accept()
        await self.call_state("active", jid=self.boundjid.full)
        return offer

    async def leave_call(self):
        await self.send_jingle("session-terminate")
        await self.call_state("idle", reason="left")
        self.make_presence(pto=f"{self.room}@{ROOMS}/{self.nick}", ptype="unavailable").send()

    async def presence_of_type(self, kind):
        """The next one from a room."""
        while True:
            p = await asyncio.wait_for(self.presences.get(), 5)
            if p["type"] == kind and p["from"].domain == ROOMS:
                return p

    def open_bridge(self, path=None):
        return WebSocket(self.lyceum.http, path=path or self.bridge_path, protocol=None)

