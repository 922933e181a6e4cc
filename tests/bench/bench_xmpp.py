#!/usr/bin/env python3
"""XMPP benchmark: starts a lyceumd of the release build and loads it from one process.

usage: bench_xmpp.py [N [SECONDS]]    (default: 8000 sessions, 10 s)
"""
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

from lyceum import BUILD, PASSWORD, Server  # noqa: E402

CONF = {"limits": {"profile": "off"}, "auth": {"require_tls": "false", "iterations": 4096},
        "log": {"level": "warn"}, "server": {"loops": 2}}


def bench(n, tls, seconds, window):
    server = Server(CONF, start=False)
    try:
        server.add_users([f"user{i}" for i in range(n)])
        server.start()
        subprocess.run([BUILD / "tests" / "bench" / "bench_xmpp",
                        str(server.xmpps if tls else server.xmpp), str(int(tls)),
                        str(server.process.pid), str(n), "user", PASSWORD, str(seconds), str(window)],
                       check=True)
    finally:
        server.close()


if __name__ == "__main__":
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10
    print("without TLS", flush=True)
    bench(n, False, int(seconds), 4)
    print("with TLS", flush=True)
    bench(n, True, int(seconds), 4)
