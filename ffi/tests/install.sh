#!/usr/bin/env bash
# Installs the C ABI into an empty prefix, as docs/ffi.md says, and builds a stranger's program with what lies there: by
# pkg-config and by CMake, against the shared library and the static one. Needs cargo-c, pkg-config and a C compiler; CMake
# is tried if it is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
cargo cinstall --locked -p frame-ring-ffi --release --prefix "$prefix" --libdir "$prefix/lib"

ls -l "$prefix"/lib/libframe_ring.so* "$prefix"/lib/libframe_ring.a "$prefix"/include/frame_ring.h* "$prefix"/lib/pkgconfig/frame_ring.pc
soname=$(readelf -d "$prefix/lib/libframe_ring.so" | sed -n 's/.*soname: \[\(.*\)\].*/\1/p')
case $soname in libframe_ring.so.*) echo "soname $soname" ;; *) echo "the library has no soname with a version: '$soname'" >&2; exit 1 ;; esac

cat > "$work/stranger.c" <<'C'
#include <frame_ring.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  frame_ring_consumer *ring;
  frame_ring_producer *producer;
  frame_ring_grant grant;
  frame_ring_descriptor about;
  frame_ring_frame frame;
  int socket;
  if (frame_ring_consumer_new(NULL, &ring) || frame_ring_consumer_invite(ring, &socket)) return 1;
  if (frame_ring_producer_from_fd(socket, "a stranger", &producer)) return 2;
  frame_ring_descriptor_init(&about);
  if (frame_ring_producer_claim(producer, 6, FRAME_RING_CLASS_EVENT, 0, &grant)) return 3;
  memcpy(grant.data, "hello", 6);
  if (frame_ring_producer_commit(producer, &grant, 6, &about)) return 4;
  if (frame_ring_consumer_recv(ring, FRAME_RING_FOREVER, &frame)) return 5;
  printf("%s of %d bytes\n", (const char *)frame.data, (int)frame.len);
  frame_ring_frame_release(&frame);
  frame_ring_producer_free(producer);
  frame_ring_consumer_free(ring);
  return 0;
}
C
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
expect() { [ "$("$@")" = "hello of 6 bytes" ] || { echo "$*: not what was expected" >&2; exit 1; }; }

# Flags are words.
# shellcheck disable=SC2046
cc -std=c11 -Wall -Wextra -Werror -pedantic $(pkg-config --cflags frame_ring) "$work/stranger.c" $(pkg-config --libs frame_ring) -o "$work/shared"
expect env LD_LIBRARY_PATH="$prefix/lib" "$work/shared"
cc -std=c11 -I"$prefix/include" "$work/stranger.c" "$prefix/lib/libframe_ring.a" -lpthread -ldl -lm -o "$work/static"
expect "$work/static"
echo '#include <frame_ring.hpp>' > "$work/hpp.cc"
# shellcheck disable=SC2046
c++ -std=c++17 $(pkg-config --cflags frame_ring) -fsyntax-only "$work/hpp.cc"

if command -v cmake >/dev/null; then
  cat > "$work/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(stranger C)
find_package(frame_ring REQUIRED)
add_executable(stranger stranger.c)
target_link_libraries(stranger PRIVATE frame_ring::frame_ring)
CMAKE
  env -u PKG_CONFIG_PATH cmake -S "$work" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
  cmake --build "$work/build" >/dev/null
  expect env LD_LIBRARY_PATH="$prefix/lib" "$work/build/stranger"
else
  echo "NOT RUN: the CMake package, because there is no cmake" >&2
fi
echo "a stranger's program builds and runs"
