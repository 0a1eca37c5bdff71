#!/usr/bin/env bash
# Builds all fuzz targets and runs each on its seeds and for some seconds more (10, or the first argument). A crash fails it
# and leaves the input in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
seconds=${1:-10}

if ! cargo +nightly --version >/dev/null 2>&1; then
  echo "NOT RUN: no nightly toolchain"
  exit 0
fi
command -v cargo-fuzz >/dev/null || cargo install --quiet --locked cargo-fuzz

cargo +nightly fuzz build
host=$(rustc +nightly -vV | sed -n 's/^host: //p')
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
for target in $(cargo +nightly fuzz list); do
  printf '\n== fuzz %s\n' "$target"
  mkdir -p "$found/$target" "artifacts/$target"
  log="$found/$target.log"
  # What is found goes to the first folder and away with it.
  if ! "target/$host/release/$target" -timeout=60 -max_total_time="$seconds" -artifact_prefix="artifacts/$target/" \
    "$found/$target" "seeds/$target" >"$log" 2>&1; then
    tail -n 100 "$log"
    exit 1
  fi
  grep -a '^Done' "$log"
done
