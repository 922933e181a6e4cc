# What run and test share: packages, progress lines, the builds. Sourced by bash.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

build_packages=(
  build-essential meson ninja-build pkg-config
  libuv1-dev libssl-dev libexpat1-dev libnice-dev libsrtp2-dev libopus-dev libvpx-dev
  libhttp-parser-dev libwslay-dev libidn2-dev libglib2.0-dev libjansson-dev libsqlite3-dev
  libc-ares-dev libcurl4-openssl-dev openssl ca-certificates
)
[ "$(uname -m)" = x86_64 ] && build_packages+=(libipsec-mb-dev)

test_packages=(
  libcmocka-dev libgsasl-dev clang clang-format clang-tidy libclang-rt-14-dev
  python3 python3-pytest python3-slixmpp python3-aiohttp python3-gi iproute2 nftables procps curl
  chromium firefox-esr fonts-dejavu-core
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-nice
  gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0
)

started=$(date +%s)
say() { printf '[%4ds] %s\n' $(($(date +%s) - started)) "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "run this as root, or install sudo"; fi
}

# install_packages NAME...: those that are missing; nothing is asked of the network when none is.
install_packages() {
  local missing=() p
  for p in "$@"; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q '^install ok installed' || missing+=("$p")
  done
  [ ${#missing[@]} = 0 ] && return 0
  say "installing ${#missing[@]} packages: ${missing[*]}"
  mkdir -p "$top/var"
  if ! { as_root apt-get update -q &&
         as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
           "${missing[@]}"; } >"$top/var/apt.log" 2>&1; then
    tail -n 15 "$top/var/apt.log" >&2
    die "apt-get could not install them (all of its output: var/apt.log)"
  fi
}

# The web pages need Node 18 or later; a newer one that is there already is kept.
install_node() {
  if command -v node >/dev/null && command -v npm >/dev/null &&
     [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ]; then
    return 0
  fi
  install_packages nodejs npm
}

# step LOG COMMAND...: runs it with its output in var/LOG, and shows the end of that when it fails.
step() {
  local log=$top/var/$1
  shift
  mkdir -p "$top/var"
  if ! "$@" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    die "failed: $* (all of its output: ${log#"$top"/})"
  fi
}

# configure DIR OPTION...: a meson build folder, made anew when its options have changed.
configure() {
  local dir=$top/$1
  shift
  if [ -f "$dir/build.ninja" ] && [ "$(cat "$dir/.options" 2>/dev/null)" = "$*" ]; then
    return 0
  fi
  rm -rf "$dir"
  step "configure-$(basename "$dir").log" meson setup "$dir" "$top" "$@"
  printf '%s' "$*" >"$dir/.options"
}

build_release() {
  say "building lyceumd (release)"
  configure build -Dbuildtype=release -Db_ndebug=false -Dtests=false
  step build.log ninja -C "$top/build"
}

build_web() {
  local web=$top/web-demo
  if [ ! -d "$web/node_modules" ] || [ "$web/package-lock.json" -nt "$web/node_modules/.done" ]; then
    say "installing the web pages' packages"
    step npm.log npm --prefix "$web" ci --no-fund --no-audit
    touch "$web/node_modules/.done"
  fi
  say "building the web pages"
  step web.log npm --prefix "$web" run build
}
