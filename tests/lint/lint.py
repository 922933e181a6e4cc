"""The rules of the house that a machine can check: layers, sizes, names, headers that compile alone,
formatting. Prints a FAIL line for each broken rule and one closing line."""
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
MAY_INCLUDE = {
    "base": {"base"},
    "codecs": {"base", "codecs"},
    "media": {"base", "media"},
    "signaling": {"base", "signaling"},
    "sfu": {"base", "codecs", "media", "sfu"},
    "server": {"base", "codecs", "media", "signaling", "sfu", "server"},
}
LAYERS = list(MAY_INCLUDE)
MAX_FILE, MAX_FUNCTION, MAX_LINE, MAX_NESTING = 1000, 100, 100, 5
# Clocks, sockets and threads belong to server/ alone (docs/ARCHITECTURE.md).
OUTSIDE_WORLD = re.compile(
    r"\b(socket|sendto|recvfrom|sendmsg|recvmsg|epoll_wait|clock_gettime|gettimeofday|pthread_create|"
    r"pthread_mutex_lock|time)\s*\((?!\))")
PROMISES = re.compile(r"\b(FIXME|XXX|HACK|TODO(?!\(#\d+\)))\b")


def files(*patterns):
    out = subprocess.run(["git", "ls-files", "--", *patterns], cwd=TOP, capture_output=True, text=True,
                         check=True).stdout.split()
    return [TOP / name for name in out if (TOP / name).exists()]


def rel(path):
    return path.relative_to(TOP)


def strip_comments(text):
    """Code without comments and string contents, lines kept."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: '""' + "\n" * m.group().count("\n") if m.group()[0] == '"'
                       else "\n" * m.group().count("\n"), text)


def check_layers(sources):
    for path in sources:
        layer = rel(path).parts[0]
        if layer not in MAY_INCLUDE:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'#include "([^"/]+)/', line)
            if found and found.group(1) in MAY_INCLUDE and found.group(1) not in MAY_INCLUDE[layer]:
                yield f"{rel(path)}:{number}: {layer} must not include {found.group(1)}"
            found = re.match(r'#include "([^"]+_priv\.h)"', line)
            if found and Path(found.group(1)).parent != rel(path).parent:
                yield f"{rel(path)}:{number}: private header of another component"


def check_sans_io(sources):
    for path in sources:
        if rel(path).parts[0] not in ("base", "codecs", "media", "signaling", "sfu"):
            continue
        for number, line in enumerate(strip_comments(path.read_text()).splitlines(), 1):
            found = OUTSIDE_WORLD.search(line)
            if found and not re.search(r"[.>]\s*" + found.group(1) + r"\s*\(", line):
                yield f"{rel(path)}:{number}: {found.group(1)}() below server/"


def functions(text):
    """(first line, number of lines, deepest nesting) of each function body in kernel style."""
    start, depth, deepest = None, 0, 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("{") and start is None:
            start, depth, deepest = number, 1, 1
            continue
        if start is None:
            continue
        depth += line.count("{") - line.count("}")
        deepest = max(deepest, depth)
        if depth <= 0:
            yield start, number - start + 1, deepest - 1
            start = None


def check_sizes(sources):
    for path in sources:
        text = path.read_text()
        lines = text.splitlines()
        if len(lines) > MAX_FILE:
            yield f"{rel(path)}: {len(lines)} lines (most: {MAX_FILE})"
        for number, line in enumerate(lines, 1):
            if len(line.expandtabs(8)) > MAX_LINE and "http" not in line and '"' not in line:
                yield f"{rel(path)}:{number}: line of {len(line.expandtabs(8))} columns"
        if path.suffix != ".c":
            continue
        for number, length, nesting in functions(strip_comments(text)):
            if length > MAX_FUNCTION:
                yield f"{rel(path)}:{number}: function of {length} lines (most: {MAX_FUNCTION})"
            if nesting >= MAX_NESTING:
                yield f"{rel(path)}:{number}: nesting of {nesting}"


def check_promises(sources):
    for path in sources:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if PROMISES.search(line):
                yield f"{rel(path)}:{number}: a promise instead of work: {line.strip()[:80]}"


def cflags():
    wanted = ["libuv", "openssl", "glib-2.0", "nice", "libsrtp2", "jansson", "sqlite3", "expat"]
    out = subprocess.run(["pkg-config", "--cflags", *wanted], capture_output=True, text=True, check=True)
    return shlex.split(out.stdout)


def check_headers(headers):
    flags = cflags()

    def compiles(path):
        run = subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra",
                              "-I", str(TOP), *flags, "-x", "c", "-include", str(path), "/dev/null"],
                             capture_output=True, text=True)
        return None if run.returncode == 0 else f"{rel(path)}: does not compile alone: {run.stderr[:400]}"

    with ThreadPoolExecutor(2) as pool:
        yield from filter(None, pool.map(compiles, headers))


def check_format(sources):
    run = subprocess.run(["clang-format", "--dry-run", "-Werror", *map(str, sources)], cwd=TOP,
                         capture_output=True, text=True)
    names = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", run.stderr, re.M)))
    for name in names:
        yield f"{name}: clang-format would change it"


def main():
    sources = files("*.c", "*.h")
    house = [path for path in sources if rel(path).parts[0] in LAYERS]
    rules = [
        ("layers", check_layers(house)),
        ("sans-io", check_sans_io(house)),
        ("sizes", check_sizes(sources)),
        ("promises", check_promises(sources)),
        ("headers", check_headers([p for p in house if p.suffix == ".h"])),
        ("format", check_format(sources)),
    ]
    passed = failed = 0
    for name, problems in rules:
        problems = list(problems)
        for problem in problems:
            print(f"FAIL {name}: {problem}")
        passed += not problems
        failed += bool(problems)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed != 0


sys.exit(main())
