"""A call participant that is no browser: slixmpp for the signalling, GStreamer's webrtcbin for the media.

It takes the offer as it comes with session-initiate (no renegotiation): who joins later is received by
those who join after, which is enough to test both directions with three peers.
"""
import asyncio
import random
import threading
import time
import xml.etree.ElementTree as ET

import gi
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from clients import Client

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

JINGLE = "urn:xmpp:jingle:1"
RTP = "urn:xmpp:jingle:apps:rtp:1"
SSMA = "urn:xmpp:jingle:apps:rtp:ssma:0"
ICE = "urn:xmpp:jingle:transports:ice-udp:1"
DTLS = "urn:xmpp:jingle:apps:dtls:0"
FOCUS = "http://jitsi.org/protocol/focus"
CODECS = {
    "audio": "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n",
    "video": "m=video 9 UDP/TLS/RTP/SAVPF 100\r\na=rtpmap:100 VP8/90000\r\n"
             "a=rtcp-fb:100 nack\r\na=rtcp-fb:100 nack pli\r\n",
}


class GLibThread:
    """webrtcbin wants a GLib main loop; one thread serves all peers."""
    started = None

    @classmethod
    def start(cls):
        if cls.started is None:
            Gst.init(None)
            cls.started = threading.Thread(target=GLib.MainLoop().run, daemon=True)
            cls.started.start()


def sources_of(jingle, kind):
    """(name, ssrc) of each primary source of a kind."""
    for content in jingle.findall(f"{{{JINGLE}}}content"):
        description = content.find(f"{{{RTP}}}description")
        if description is None or description.get("media") != kind:
            continue
        rtx = {s.get("ssrc") for group in description.findall(f"{{{SSMA}}}ssrc-group")
               for s in list(group)[1:]}
        for source in description.findall(f"{{{SSMA}}}source"):
            if source.get("ssrc") not in rtx:
                yield source.get("name"), source.get("ssrc")


def offer_sdp(jingle):
    """The offer as SDP: our own m-lines first, then one sendonly m-line for each remote source.
    Gives the SDP and the names of the sources by m-line."""
    transport = jingle.find(f".//{{{ICE}}}transport")
    fingerprint = transport.find(f"{{{DTLS}}}fingerprint")
    common = (f"c=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=ice-ufrag:{transport.get('ufrag')}\r\n"
              f"a=ice-pwd:{transport.get('pwd')}\r\n"
              f"a=fingerprint:{fingerprint.get('hash')} {fingerprint.text}\r\na=setup:actpass\r\n")
    for c in transport.findall(f"{{{ICE}}}candidate"):
        common += (f"a=candidate:{c.get('foundation')} {c.get('component')} udp {c.get('priority')} "
                   f"{c.get('ip')} {c.get('port')} typ {c.get('type')}\r\n")
    lines, names = [], []
    own = [("audio", next(iter(sources_of(jingle, "audio")))),
           ("video", next(iter(sources_of(jingle, "video"))))]
    others = [(kind, source) for kind in ("audio", "video")
              for source in list(sources_of(jingle, kind))[1:]]
    for i, (kind, (name, ssrc)) in enumerate(own + others):
        direction = "sendrecv" if i < 2 else "sendonly"
        lines.append(f"{CODECS[kind]}{common}a=mid:{i}\r\na={direction}\r\n"
                     f"a=ssrc:{ssrc} cname:{name}\r\na=ssrc:{ssrc} msid:{name} {name}\r\n")
        names.append(name)
    head = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
            f"a=group:BUNDLE {' '.join(str(i) for i in range(len(lines)))}\r\n")
    return head + "".join(lines), names


class GstPeer:
    def __init__(self, server, user):
        self.client = Client(server, f"{user}@localhost/gst")
        self.nick = f"{random.getrandbits(32):08x}"
        self.received = {}  # source name -> buffers out of the decoder
        self.connected = asyncio.Event()
        self.terminated = asyncio.Event()
        self.accepted = asyncio.Event()
        self.pipe = None

    async def join(self, room):
        GLibThread.start()
        self.loop = asyncio.get_running_loop()
        self.room = room
        await self.client.login()
        self.client.register_handler(Callback(
            "jingle", MatchXPath(f"{{jabber:client}}iq/{{{JINGLE}}}jingle"), self.on_jingle))
        iq = self.client.make_iq_set(ito="focus.localhost")
        conference = ET.SubElement(iq.xml, f"{{{FOCUS}}}conference", room=room)
        ET.SubElement(conference, f"{{{FOCUS}}}property", name="device", value="GStreamer")
        answer = await iq.send(timeout=10)
        assert answer.xml.find(f"{{{FOCUS}}}conference").get("ready") == "true"
        presence = self.client.make_presence(pto=f"{room}/{self.nick}")
        ET.SubElement(presence.xml, "{http://jabber.org/protocol/muc}x")
        presence.send()

    def on_jingle(self, iq):
        if iq["type"] != "set":
            return
        jingle = iq.xml.find(f"{{{JINGLE}}}jingle")
        iq.reply().send()
        if jingle.get("action") == "session-initiate":
            self.sid, self.focus = jingle.get("sid"), iq["from"]
            self.start_media(jingle)
        elif jingle.get("action") == "session-terminate":
            self.terminated.set()

    def start_media(self, jingle):
        sdp, self.names = offer_sdp(jingle)
        self.pipe = Gst.parse_launch(
            "webrtcbin name=w bundle-policy=max-bundle latency=100 "
            "audiotestsrc is-live=true wave=sine volume=0.3 ! opusenc ! rtpopuspay pt=111 ! "
            "application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000 ! w. "
            "videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=15/1 ! "
            "vp8enc deadline=1 keyframe-max-dist=30 ! rtpvp8pay pt=100 picture-id-mode=15-bit ! "
            "application/x-rtp,media=video,encoding-name=VP8,payload=100,clock-rate=90000 ! w. ")
        self.webrtc = self.pipe.get_by_name("w")
        self.webrtc.connect("pad-added", self.on_pad)
        self.webrtc.connect("notify::connection-state", self.on_state)
        self.pipe.set_state(Gst.State.PLAYING)
        _, message = GstSdp.SDPMessage.new_from_text(sdp)
        offer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, message)
        threading.Thread(target=self.negotiate, args=(offer,), daemon=True).start()

    def wait_for_caps(self):
        """The answer has our SSRCs only when the payloaders have said what they send."""
        for _ in range(200):
            if all(pad.get_current_caps() is not None for pad in self.webrtc.sinkpads):
                return
            time.sleep(0.05)

    def negotiate(self, offer):
        self.wait_for_caps()
        promise = Gst.Promise.new()
        self.webrtc.emit("set-remote-description", offer, promise)
        promise.wait()
        promise = Gst.Promise.new()
        self.webrtc.emit("create-answer", None, promise)
        promise.wait()
        reply = promise.get_reply()  # keeps the description alive
        answer = reply.get_value("answer")
        text = answer.sdp.as_text()
        promise = Gst.Promise.new()
        self.webrtc.emit("set-local-description", answer, promise)
        promise.wait()
        self.loop.call_soon_threadsafe(self.send_accept, text)

    def send_accept(self, sdp):
        values = {}
        for line in sdp.splitlines():
            for key in ("ice-ufrag", "ice-pwd", "fingerprint", "setup"):
                if line.startswith(f"a={key}:"):
                    values.setdefault(key, line.split(":", 1)[1])
        sections = sdp.split("\nm=")[1:3]
        ssrcs = [next(line.split()[0].split(":")[1] for line in s.splitlines()
                      if line.startswith("a=ssrc:")) for s in sections]
        iq = self.client.make_iq_set(ito=self.focus)
        jingle = ET.SubElement(iq.xml, f"{{{JINGLE}}}jingle", action="session-accept", sid=self.sid)
        algorithm, value = values["fingerprint"].split()
        for kind, ssrc in zip(("audio", "video"), ssrcs):
            content = ET.SubElement(jingle, f"{{{JINGLE}}}content", name=kind, creator="initiator")
            description = ET.SubElement(content, f"{{{RTP}}}description", media=kind)
            ET.SubElement(description, f"{{{SSMA}}}source", ssrc=ssrc, name=f"{self.nick}-{kind[0]}0")
            transport = ET.SubElement(content, f"{{{ICE}}}transport", ufrag=values["ice-ufrag"],
                                      pwd=values["ice-pwd"])
            ET.SubElement(transport, f"{{{DTLS}}}fingerprint", hash=algorithm,
                          setup=values["setup"]).text = value
        asyncio.ensure_future(self.finish_accept(iq))

    async def finish_accept(self, iq):
        await iq.send(timeout=10)
        self.accepted.set()

    def on_state(self, webrtc, _):
        if webrtc.get_property("connection-state") == GstWebRTC.WebRTCPeerConnectionState.CONNECTED:
            self.loop.call_soon_threadsafe(self.connected.set)

    def on_pad(self, _, pad):
        """A remote source: decoded and counted."""
        if pad.direction != Gst.PadDirection.SRC:
            return
        name = self.names[pad.get_property("transceiver").get_property("mlineindex")]
        decode = ("rtpopusdepay ! opusdec" if "-a" in name else "rtpvp8depay ! vp8dec")
        sink = Gst.parse_bin_from_description(f"queue ! {decode} ! fakesink name=s sync=false "
                                              "signal-handoffs=true", True)
        sink.get_by_name("s").connect("handoff", self.on_buffer, name)
        self.pipe.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def on_buffer(self, _sink, _buffer, _pad, name):
        self.received[name] = self.received.get(name, 0) + 1

    async def leave(self):
        iq = self.client.make_iq_set(ito=self.focus)
        jingle = ET.SubElement(iq.xml, f"{{{JINGLE}}}jingle", action="session-terminate", sid=self.sid)
        ET.SubElement(ET.SubElement(jingle, f"{{{JINGLE}}}reason"), f"{{{JINGLE}}}success")
        await iq.send(timeout=10)
        self.close()

    def close(self):
        if self.pipe is not None:
            self.pipe.set_state(Gst.State.NULL)
            self.pipe = None
