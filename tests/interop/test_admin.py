"""lyceumctl with and without a server, REST, metrics."""
import asyncio
import json
import os
import socket
import stat
import time
import urllib.error
import urllib.request

import pytest

from clients import Client, run
from lyceum import PASSWORD, Server


@pytest.fixture(scope="module")
def server():
    s = Server(users=("student1", "student2"))
    s.ctl("user", "add", "operator@localhost", "--password", PASSWORD, "--role", "operator")
    yield s
    s.close()


def http(server, method, path, body=None, token=None):
    """Returns status, headers and JSON (or text)."""
    request = urllib.request.Request(f"http://127.0.0.1:{server.http}{path}", method=method)
    if body is not None:
        request.data = body if isinstance(body, bytes) else json.dumps(body).encode()
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        answer = urllib.request.urlopen(request, timeout=10)
    except urllib.error.HTTPError as e:
        answer = e
    text = answer.read().decode()
    is_json = answer.headers.get("Content-Type", "").startswith("application/json")
    return answer.status, answer.headers, json.loads(text) if is_json and text else text


def login(server, jid="operator@localhost", password=PASSWORD):
    return http(server, "POST", "/api/v1/login", {"jid": jid, "password": password})


@pytest.fixture(scope="module")
def token(server):
    status, _, body = login(server)
    assert status == 200 and body["expires_in"] == 3600
    return body["token"]


def contacts(client):
    return {jid: client.client_roster[jid]["subscription"] for jid in client.client_roster}


def test_offline_and_online_agree(tmp_path):
    s = Server(start=False)
    try:
        for is_running in (False, True):
            if is_running:
                s.start()
            suffix = "on" if is_running else "off"
            s.ctl("user", "add", f"x{suffix}@localhost", input="secret\n")
            s.ctl("user", "add", f"y{suffix}@localhost", "--password", "p", "--role", "teacher")
            s.ctl("roster", "link", f"x{suffix}@localhost", f"y{suffix}@localhost")
            users = json.loads(s.ctl("user", "list", "--json").stdout)
            assert {"x" + suffix + "@localhost", "y" + suffix + "@localhost"} <= {
                u["jid"] for u in users}
            twice = s.ctl("user", "add", f"x{suffix}@localhost", "--password", "p", check=False)
            assert twice.returncode == 1 and "already" in twice.stderr
            s.ctl("user", "delete", f"y{suffix}@localhost")
            gone = s.ctl("user", "delete", f"y{suffix}@localhost", check=False)
            assert gone.returncode == 1 and "no account" in gone.stderr

        async def scene():
            client = await Client(s, "xoff@localhost", password="secret").login()
            assert contacts(client)["yoff@localhost"] == "both"
            await client.logout()
        run(scene())
    finally:
        s.close()


def test_link_while_both_are_online(server):
    async def scene():
        one = await Client(server, "student1@localhost").login()
        two = await Client(server, "student2@localhost").login()
        server.ctl("roster", "link", "student1@localhost", "student2@localhost")
        for client, other in ((one, "student2@localhost"), (two, "student1@localhost")):
            for _ in range(50):
                if contacts(client).get(other) == "both" and client.client_roster[other].resources:
                    break
                await asyncio.sleep(0.1)
            assert contacts(client)[other] == "both"
            assert client.client_roster[other].resources, "the contact's presence is missing"
        await one.logout()
        await two.logout()
    run(scene())


def test_import_with_mistakes(server, tmp_path):
    path = tmp_path / "users.csv"
    path.write_text("jid,password\nnew1@localhost,x\nnew2@localhost\nnew3@other.example,x\n"
                    "new4@localhost,x,king\n")
    done = server.ctl("user", "import", path, check=False)
    assert done.returncode == 1
    for line in (f"{path}:3: the password is missing", f"{path}:4: ", f"{path}:5: the role",
                 "nothing was imported"):
        assert line in done.stderr, done.stderr
    assert "new1@localhost" not in server.ctl("user", "list").stdout
    path.write_text("new1@localhost,x\n\"new2@localhost\",\"a,b\",teacher\n")
    assert "2 accounts imported" in server.ctl("user", "import", path).stdout
    assert server.ctl("user", "import", tmp_path / "none.csv", check=False).returncode == 1

    async def scene():
        await (await Client(server, "new2@localhost", password="a,b").login()).logout()
    run(scene())


def test_audit(server):
    server.ctl("user", "role", "student2@localhost", "teacher")
    server.ctl("user", "role", "student2@localhost", "student")
    lines = json.loads(server.ctl("audit", "--last", "2", "--json").stdout)
    assert [(e["who"], e["what"], e["object"]) for e in lines] == [
        ("lyceumctl", "user role", "student2@localhost teacher"),
        ("lyceumctl", "user role", "student2@localhost student")]
    assert PASSWORD not in server.ctl("audit").stdout


def test_usage(server):
    assert "user import" in server.ctl("help").stdout
    for args in (("frob",), ("user",), ("user", "add"), ("user", "list", "extra"),
                 ("user", "add", "a@localhost", "--colour", "red")):
        assert server.ctl(*args, check=False).returncode == 2, args
    assert "[listen]" in server.ctl("config", "sample").stdout


def test_not_running():
    s = Server(start=False)
    try:
        for args in (("calls",), ("stats",), ("reload",), ("call", "end", "x")):
            done = s.ctl(*args, check=False)
            assert done.returncode == 1 and "not running" in done.stderr, done.stderr
        assert s.ctl("user", "list").returncode == 0
        assert s.ctl("rooms").returncode == 0
    finally:
        s.close()


def test_stats_and_sessions(server, token):
    async def scene():
        before = json.loads(server.ctl("stats", "--json").stdout)
        client = await Client(server, "student1@localhost").login()
        stats = json.loads(server.ctl("stats", "--json").stdout)
        assert stats["sessions"] == before["sessions"] + 1
        assert stats["logins_ok"] == before["logins_ok"] + 1
        _, _, body = http(server, "GET", "/api/v1/calls", token=token)
        assert body["server"]["sessions"] == stats["sessions"]
        assert body["calls"] == [] and body["users"] == []
        await client.logout()
    run(scene())


def test_changes_end_sessions(server):
    async def scene():
        for args in (("password", "new1pw@localhost", "--password", "other"),
                     ("disable", "new1pw@localhost"), ("delete", "new1pw@localhost")):
            server.ctl("user", "delete", "new1pw@localhost", check=False)
            server.ctl("user", "add", "new1pw@localhost", "--password", PASSWORD)
            client = await Client(server, "new1pw@localhost").login()
            server.ctl("user", *args)
            await asyncio.wait_for(client.gone.wait(), 5)
            with pytest.raises(PermissionError):
                await Client(server, "new1pw@localhost").login()
    run(scene())


def test_rest_needs_a_token(server, token):
    for path in ("calls", "rooms", "users", "stats"):
        for bad in (None, "x", token[:-1] + ("a" if token[-1] != "a" else "b")):
            status, headers, body = http(server, "GET", f"/api/v1/{path}", token=bad)
            assert status == 401 and body["error"] and headers["WWW-Authenticate"] == "Bearer"
        assert http(server, "GET", f"/api/v1/{path}", token=token)[0] == 200
    assert http(server, "DELETE", "/api/v1/calls/x")[0] == 401
    status, _, body = http(server, "DELETE", "/api/v1/calls/x", token=token)
    assert status == 404 and "no call" in body["error"]
    assert http(server, "GET", "/api/v1/nothing", token=token)[0] == 404


def test_rest_users(server, token):
    _, _, body = http(server, "GET", "/api/v1/users", token=token)
    roles = {u["jid"]: u["role"] for u in body["users"]}
    assert roles["operator@localhost"] == "operator" and roles["student1@localhost"] == "student"


def test_rest_rooms(server, token):
    async def scene():
        client = await Client(server, "student1@localhost").login()
        client.register_plugin("xep_0045")
        client.plugin["xep_0045"].join_muc("algebra@conference.localhost", "one")
        rooms = []
        for _ in range(50):
            rooms = http(server, "GET", "/api/v1/rooms", token=token)[2]["rooms"]
            if rooms:
                break
            await asyncio.sleep(0.1)
        assert rooms[0]["jid"] == "algebra@conference.localhost"
        assert rooms[0]["occupants"] == 1 and rooms[0]["call"] is False
        assert "algebra@conference.localhost" in server.ctl("rooms").stdout
        await client.logout()
    run(scene())


def test_metrics(server):
    status, headers, text = http(server, "GET", "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain")
    names = {line.split(" ")[0].split("{")[0] for line in text.splitlines() if line[0] != "#"}
    assert {"lyceum_sessions", "lyceum_rooms", "lyceum_calls", "lyceum_logins_ok_total",
            "lyceum_memory_bytes", "lyceum_store_queue", "lyceum_loop_lag_seconds",
            "lyceum_media_rtp_forwarded_total"} <= names
    for line in text.splitlines():
        if line[0] != "#":
            float(line.rsplit(" ", 1)[1])


def test_reload_tells_problems(server):
    text = server.conf.read_text()
    try:
        server.conf.write_text(text.replace("level = debug", "level = trace"))
        assert "[log] level changed" in server.ctl("reload").stdout
        server.wait_log("reloaded")
        server.conf.write_text(text + "\n[admin]\nmetricz = all\n")
        # lyceumctl reads the same file first and says where the mistake is
        done = server.ctl("reload", check=False)
        assert done.returncode == 1 and "did you mean \"metrics\"" in done.stderr
    finally:
        server.conf.write_text(text)
    server.ctl("reload")


def test_reload_of_metrics(server):
    text = server.conf.read_text()
    try:
        server.conf.write_text(text + "\n[admin]\nmetrics = off\n")
        server.ctl("reload")
        for _ in range(50):
            status = http(server, "GET", "/metrics")[0]
            if status == 403:
                break
            time.sleep(0.1)
        assert status == 403
    finally:
        server.conf.write_text(text)
        server.ctl("reload")


def test_control_socket(server):
    path = server.path / "data" / "lyceumd.sock"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600

    def talk(data, wait=True):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(15)
            s.connect(str(path))
            s.sendall(data)
            return s.makefile().readline() if wait else ""

    assert "not JSON" in json.loads(talk(b"nonsense\n"))["error"]
    assert "must be" in json.loads(talk(b"[]\n"))["error"]
    assert "unknown command" in json.loads(talk(b'{"command":"x"}\n'))["error"]
    assert "missing" in json.loads(talk(b'{"command":"user add"}\n'))["error"]
    talk(b'{"command":', wait=False)  # hangs up in the middle
    talk(b'{"command":"stats"}\n', wait=False)  # does not wait for the answer
    assert "too long" in talk_much(path)
    assert json.loads(talk(b'{"command":"ping"}\n'))["result"]


def talk_much(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(15)
        s.connect(str(path))
        try:
            for _ in range(70):
                s.sendall(b"x" * 65536)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            return s.makefile().readline()
        except ConnectionResetError:
            return "too long"


def test_login_limits():
    s = Server(users=("student1",))
    try:
        s.ctl("user", "add", "operator@localhost", "--password", PASSWORD, "--role", "operator")
        for body in (b"", b"nonsense", b"[]", b'{"jid":1,"password":2}'):
            status, _, answer = http(s, "POST", "/api/v1/login", body)
            assert status == 400 and "jid" in answer["error"]
        assert login(s, "student1@localhost")[0] == 403
        assert login(s)[0] == 200  # forgives what came before
        assert login(s, password="wrong")[0] == 401
        assert login(s, "nobody@localhost")[0] == 401
        assert login(s, "a@elsewhere.example")[0] == 401
        assert login(s, "no address at all")[0] == 401
        codes = [login(s, password="wrong")[0] for _ in range(10)]
        assert codes[0] == 401 and codes[-1] == 429
        status, headers, body = login(s)
        assert status == 429 and 0 < int(headers["Retry-After"]) <= 61 and body["error"]
    finally:
        s.close()


def test_second_server_in_the_same_folder(server):
    other = Server({"server": {"data_dir": server.path / "data"}}, start=False)
    try:
        with pytest.raises(RuntimeError, match="another lyceumd is running"):
            other.start()
        other.process = None
        other.log_file.close()
        assert server.ctl("ping").returncode == 0
    finally:
        other.close()


def test_killed_server_leaves_a_dead_socket():
    s = Server(users=("student1",))
    try:
        s.process.kill()
        s.process.wait()
        assert (s.path / "data" / "lyceumd.sock").exists()
        assert "student1@localhost" in s.ctl("user", "list").stdout
        s.log_file.close()
        s.log_path.unlink()
        s.start()
        assert s.ctl("ping").returncode == 0
    finally:
        s.close()


def test_import_is_fast(tmp_path):
    s = Server({"auth": {"iterations": 4096}}, start=False)
    try:
        path = tmp_path / "many.csv"
        path.write_text("".join(f"pupil{i}@localhost,secret{i}\n" for i in range(2000)))
        begin = time.time()
        assert "2000 accounts imported" in s.ctl("user", "import", path).stdout
        assert time.time() - begin < 30
    finally:
        s.close()
