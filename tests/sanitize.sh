#!/usr/bin/env bash
# Tests under the sanitizers of the nightly toolchain: tests/sanitize.sh address|thread
# The standard library is the prebuilt one, so what only it touches is not watched. Built apart, in target/sanitize-*.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sanitizer=${1:?which sanitizer: address or thread}
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
  thread)
    # It sees all memory of one process by its address. So it watches the protocol on the heap, payload and books
    # included, but not the crate over a mapping: there producer and consumer see the same bytes at two addresses.
    # It takes no notice of fences that stand alone: those, and the words around them, are loom's.
    export TSAN_OPTIONS="suppressions=$PWD/tests/sanitize-thread.supp:${TSAN_OPTIONS:-}"
    # The prebuilt standard library is mixed in on purpose.
    RUSTFLAGS+=" -Cunsafe-allow-abi-mismatch=sanitizer"
    run -p frame-ring-core --test threads
    ;;
  *)
    echo "no tests are listed for the sanitizer '$sanitizer'" >&2
    exit 2
    ;;
esac
echo "the $sanitizer sanitizer has found nothing"
