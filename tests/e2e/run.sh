#!/usr/bin/env bash
# Browsers against lyceumd, in a network namespace of its own (browsers ask for their makers' hosts otherwise).
#   run.sh [SCRIPT.mjs]   default: run.mjs; pictures.mjs makes the pictures of docs/pictures
set -u
here=$(cd "$(dirname "$0")" && pwd)
script=${1:-run.mjs}
ns=ly-e2e-$$

skip() { echo "SKIP browsers: $1"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

[ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null || skip "network namespaces need root or sudo"
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || skip "chromium is not installed"
[ -d "$here/node_modules" ] || skip "npm ci was not run in tests/e2e"

cleanup() { as_root ip netns del "$ns" 2>/dev/null; }
trap cleanup EXIT
as_root ip netns add "$ns" || skip "network namespaces are not available here"
inside() { as_root ip netns exec "$ns" "$@"; }
inside ip link set lo up
# Firefox never pairs with 127.0.0.1: media goes over a documentation address.
inside ip link add ly0 type veth peer name ly1
inside ip addr add 192.0.2.2/24 dev ly0
inside ip addr add 192.0.2.3/24 dev ly0
inside ip link set ly0 up
inside ip link set ly1 up
inside ip route add default via 192.0.2.1
inside node "$here/$script"
