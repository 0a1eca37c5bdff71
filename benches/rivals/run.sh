#!/usr/bin/env bash
# Measures all transports from process to process, ours and the rivals in turn, and makes the report: FOLDER/rows.json,
# report.html, report.md. Takes about 12 minutes; `run.sh FOLDER 1` is one round instead of 5.
set -euo pipefail
out=$(mkdir -p "${1:?where to write the report}" && cd "$1" && pwd)
rounds=${2:-5}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/rivals}
cargo build --locked --release --manifest-path benches/rivals/Cargo.toml
bench() { "$CARGO_TARGET_DIR/release/frame-ring-rivals" bench "$@"; }

# What the transports are for: pictures at 30 a second, blocks of 10 ms of sound. Then as fast as they can.
{
  bench --json --repeat "$rounds" --seconds 3 --paced 30 --sizes 3110400,1382400
  bench --json --repeat "$rounds" --seconds 3 --paced 100 --sizes 3840
  bench --json --repeat "$rounds" --seconds 1 --sizes 3110400,1382400,3840,64
} >"$out/rows.json"
bench report --from "$out/rows.json" --html "$out/report.html" --markdown "$out/report.md"
