#!/usr/bin/env bash
# Tests under the sanitizers of the nightly toolchain: tests/sanitize.sh address
# The standard library is the prebuilt one, so what only it touches is not watched. Built apart, in target/sanitize-*.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sanitizer=${1:?which sanitizer: address}
target=x86_64-unknown-linux-gnu

if ! cargo +nightly --version >/dev/null 2>&1; then
  echo "NOT RUN: no nightly toolchain, which the $sanitizer sanitizer needs: rustup toolchain install nightly" >&2
  exit 0
fi
export RUSTFLAGS="-Zsanitizer=$sanitizer" CARGO_TARGET_DIR="target/sanitize-$sanitizer" CARGO_INCREMENTAL=0

run() { cargo +nightly test --locked --target "$target" "$@" -- --nocapture; }

case $sanitizer in
  address)
    export ASAN_OPTIONS="abort_on_error=1:quarantine_size_mb=32:detect_stack_use_after_return=1:${ASAN_OPTIONS:-}"
    run -p frame-ring-core --test hostile --test descriptor
    run -p frame-ring --test hostile
    ;;
  *)
    echo "no tests are listed for the sanitizer '$sanitizer'" >&2
    exit 2
    ;;
esac
echo "the $sanitizer sanitizer has found nothing"
