"""The operator's view of a running call, with GStreamer peers (gst_admin_scene.py)."""
import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_calls_of_gstreamer_peers():
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    ns = f"ly-adm-{os.getpid()}"
    ip = ["ip", "netns", "exec", ns, "ip"]
    subprocess.run(["ip", "netns", "add", ns], check=True)
    try:
        for command in ("link set lo up", "link add ly0 type veth peer name ly1",
                        "addr add 192.0.2.2/24 dev ly0", "link set ly0 up", "link set ly1 up"):
            subprocess.run(ip + command.split(), check=True)
        scene = subprocess.run(["ip", "netns", "exec", ns, sys.executable,
                                str(Path(__file__).with_name("gst_admin_scene.py"))],
                               capture_output=True, text=True, timeout=150)
        assert scene.returncode == 0, scene.stdout + scene.stderr
    finally:
        subprocess.run(["ip", "netns", "del", ns], check=True)
