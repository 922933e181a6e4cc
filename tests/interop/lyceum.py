"""A lyceumd of its own for each test module: temporary configuration, free ports, users by lyceumctl.

The programs come from $LYCEUM_BUILD (default: build), so that the same tests run against the build with
the sanitizers. What the server logged is shown when it ends badly.
"""
import os
import random
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("LYCEUM_BUILD", TOP / "build"))
LYCEUMD = BUILD / "server" / "lyceumd"
LYCEUMCTL = BUILD / "server" / "lyceumctl"
PASSWORD = "correct horse"


def _is_free(port):
    """Neither TCP nor UDP is taken."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def free_ports(n):
    """Ports that nothing has now, outside of the range that outgoing connections use; the last one is
    followed by three more that are free (media threads)."""
    found = []
    while len(found) < n:
        port = random.randrange(18000, 32000)
        need = range(port, port + (4 if len(found) == n - 1 else 1))
        if not set(need) & set(found) and all(_is_free(p) for p in need):
            found.append(port)
    return found


class Server:
    """A running lyceumd. conf: {"group": {"key": value}} on top of the defaults here."""

    def __init__(self, conf=None, users=(), start=True):
        self.dir = tempfile.TemporaryDirectory(prefix="lyceum-test-")
        self.path = Path(self.dir.name)
        self.xmpp, self.xmpps, self.http, self.https, self.media = free_ports(5)
        groups = {
            "server": {"domain": "localhost", "data_dir": self.path / "data", "loops": 2,
                       "media_threads": 1},
            "listen": {"xmpp": f"127.0.0.1:{self.xmpp}", "xmpps": f"127.0.0.1:{self.xmpps}",
                       "http": f"127.0.0.1:{self.http}", "https": f"127.0.0.1:{self.https}",
                       "media": f"127.0.0.1:{self.media}"},
            "http": {"web_root": self.path / "web"},
            "log": {"level": "debug"},
        }
        for group, keys in (conf or {}).items():
            groups.setdefault(group, {}).update(keys)
        self.conf = self.path / "lyceum.conf"
        self.conf.write_text("".join(
            f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())
            for group, keys in groups.items()))
        (self.path / "web" / "assets").mkdir(parents=True)
        (self.path / "web" / "index.html").write_text("<!doctype html><title>Lyceum</title>\n")
        (self.path / "web" / "operator.html").write_text("<!doctype html><title>Operator</title>\n")
        (self.path / "web" / "assets" / "a-1234.js").write_text("// script\n")
        self.log_path = self.path / "log"
        self.process = None
        if users:
            self.add_users(users)
        if start:
            self.start()

    def ctl(self, *args, check=True, **kw):
        """Runs lyceumctl with this server's configuration."""
        return subprocess.run([LYCEUMCTL, "-c", self.conf, *args], check=check, text=True,
                              capture_output=True, timeout=60, **kw)

    def add_users(self, names, password=PASSWORD):
        path = self.path / "users.csv"
        path.write_text("".join(f"{n}@localhost,{password}\n" for n in names))
        self.ctl("user", "import", path)

    def start(self, limits=()):
        """limits: options of prlimit(1) for the process."""
        prefix = ["prlimit", *limits] if limits else []
        self.log_file = open(self.log_path, "ab")
        self.process = subprocess.Popen([*prefix, LYCEUMD, "-c", self.conf], stderr=self.log_file,
                                        stdout=self.log_file)
        end = time.time() + 20
        while time.time() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"lyceumd ended with {self.process.returncode}:\n{self.log()}")
            if self._is_up():
                return
            time.sleep(0.05)
        raise RuntimeError("lyceumd does not start:\n" + self.log())

    def _is_up(self):
        try:
            socket.create_connection(("127.0.0.1", self.http), timeout=1).close()
            return True
        except OSError:
            return False

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_log(self, text, seconds=10):
        """Waits until the log has the text."""
        end = time.time() + seconds
        while time.time() < end:
            if text in self.log():
                return
            time.sleep(0.05)
        raise AssertionError(f"not logged within {seconds} s: {text}\n{self.log()[-4000:]}")

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """Ends the server; what a sanitizer found is an error."""
        if self.process is None:
            return 0
        if self.is_alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("lyceumd does not stop:\n" + self.log()[-4000:])
        finally:
            self.process_log = self.log()
            self.process = None
            self.log_file.close()
        assert code == 0, f"lyceumd ended with {code}:\n{self.process_log[-6000:]}"
        for word in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:",
                     "WARNING: ThreadSanitizer"):
            assert word not in self.process_log, self.process_log[-8000:]
        return code

    def close(self):
        try:
            return self.stop()
        finally:
            self.dir.cleanup()
