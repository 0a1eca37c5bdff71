// The same as verify.c with frame_ring.hpp. It holds some frames at once, and releases them in another order.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "frame_ring.hpp"

int main(int count, char** arguments) {
  if (count < 4) return 2;
  const long producers = std::atol(arguments[2]), frames = std::atol(arguments[3]);
  frame_ring_options options{};
  options.data_bytes = 1 << 20;
  options.name = "verified in C++";
  frame_ring::Ring ring;
  if (!frame_ring::Ring::create(&options, &ring).ok()) return 3;
  if (!ring.listen(arguments[1]).ok()) return 4;
  uint64_t next[256] = {};
  for (long n = 0; n < producers * frames;) {
    // As many as are there, up to three; they go out of scope, and back to the producers, the last one first.
    frame_ring::Frame held[3];
    for (int at = 0; at < 3; ++at) {
      frame_ring::Frame frame;
      const frame_ring::Status received = ring.recv(&frame, at == 0 ? 60000000000u : 0);
      if (at > 0 && received.nothing()) break;
      if (!received.ok()) {
        std::fprintf(stderr, "verify: %s\n", frame_ring::last_error());
        return 5;
      }
      held[at] = std::move(frame);
      if (frame || !held[at]) return 8;
      if (held[at].descriptor().sequence != next[held[at].producer()]++) return 6;
      for (const uint8_t byte : held[at].bytes()) {
        if (byte != static_cast<uint8_t>(held[at].descriptor().sequence)) return 7;
      }
      ++n;
    }
  }
  return 0;
}
