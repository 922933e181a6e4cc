#!/usr/bin/env bash
# run_one.sh TARGET SECONDS OUT: runs one fuzz target from its seeds in tests/fuzz/corpus/NAME. What it
# finds stays in OUT/NAME (inputs that reach new code) and OUT/NAME.crash-* .
set -u
target=$1 seconds=$2 out=$3
name=$(basename "$target")
seeds=$(dirname "${BASH_SOURCE[0]}")/corpus/${name#fuzz_}
mkdir -p "$out/$name"
args=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0
  -artifact_prefix="$out/$name." "$out/$name")
[ -d "$seeds" ] && args+=("$seeds")
if "$target" "${args[@]}" >"$out/$name.log" 2>&1; then
  echo "PASS $name: $(grep -o 'number_of_executed_units: [0-9]*' "$out/$name.log")"
else
  echo "FAIL $name"
  grep -v '^INFO' "$out/$name.log" | head -n 40
fi
