"""Group calls with peers that are no browsers, and the one-call rule on the wire."""
import asyncio
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from slixmpp.exceptions import IqError

from clients import Client, run
from lyceum import Server

FOCUS = "http://jitsi.org/protocol/focus"
CALLS = "urn:lyceum:calls:0"


@pytest.fixture(scope="module")
def server():
    s = Server(users=["teacher", "student1", "student2"])
    yield s
    s.close()


def test_three_gstreamer_peers():
    """Each who joins later decodes audio and video of all who were there before. libnice looks at no
    loopback interface where there is another one: in a network namespace with an address of its own."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    ns = f"ly-gst-{os.getpid()}"
    ip = ["ip", "netns", "exec", ns, "ip"]
    subprocess.run(["ip", "netns", "add", ns], check=True)
    try:
        for command in ("link set lo up", "link add ly0 type veth peer name ly1",
                        "addr add 192.0.2.2/24 dev ly0", "link set ly0 up", "link set ly1 up"):
            subprocess.run(ip + command.split(), check=True)
        scene = subprocess.run(["ip", "netns", "exec", ns, sys.executable,
                                str(Path(__file__).with_name("gst_scene.py"))],
                               capture_output=True, text=True, timeout=150)
        assert scene.returncode == 0, scene.stdout + scene.stderr
    finally:
        subprocess.run(["ip", "netns", "del", ns], check=True)


async def ask(client, room, move=None):
    iq = client.make_iq_set(ito="focus.localhost")
    conference = ET.SubElement(iq.xml, f"{{{FOCUS}}}conference", room=room)
    ET.SubElement(conference, f"{{{FOCUS}}}property", name="device", value=client.boundjid.resource)
    if move:
        ET.SubElement(conference, f"{{{CALLS}}}move", id=move)
    return await iq.send(timeout=10)


def test_second_device_is_refused_and_may_move(server):
    async def main():
        phone = await Client(server, "student1@localhost/phone").login()
        desk = await Client(server, "student1@localhost/desk").login()
        first = await ask(phone, "physics@conference.localhost")
        call = first.xml.find(f"{{{FOCUS}}}conference").get("id")
        # asking again from the same device for the same room is no second call
        await ask(phone, "physics@conference.localhost")
        for room in ("physics@conference.localhost", "history@conference.localhost"):
            with pytest.raises(IqError) as refused:
                await ask(desk, room)
            error = refused.value.iq.xml.find("{jabber:client}error")
            assert error.find("{urn:ietf:params:xml:ns:xmpp-stanzas}conflict") is not None
            active = error.find(f"{{{CALLS}}}active-call")
            assert active.get("id") == call and active.get("device") == "phone"
            assert active.get("jid") == "student1@localhost/phone"
        await ask(desk, "history@conference.localhost", move=call)
        with pytest.raises(IqError):
            await ask(phone, "physics@conference.localhost")
        # the device that holds the slot goes: it is free at once
        await desk.logout()
        for _ in range(50):
            try:
                await ask(phone, "physics@conference.localhost")
                break
            except IqError:
                await asyncio.sleep(0.1)
        else:
            raise AssertionError("the slot is not free after the holder's session has ended")
        await phone.logout()
    run(main())


@pytest.mark.parametrize("room,condition", [
    (None, "bad-request"), ("@", "bad-request"), ("localhost", "item-not-found"),
    ("x@conference.example.org", "item-not-found"),
])
def test_bad_conference_requests(server, room, condition):
    async def main():
        client = await Client(server, "student2@localhost/x").login()
        iq = client.make_iq_set(ito="focus.localhost")
        ET.SubElement(iq.xml, f"{{{FOCUS}}}conference", **({"room": room} if room else {}))
        with pytest.raises(IqError) as refused:
            await iq.send(timeout=10)
        assert refused.value.condition == condition
        await client.logout()
    run(main())
