/*
 * Receives what send_pattern and its like send, and looks at every byte:
 *   verify SOCKET PRODUCERS FRAMES
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame_ring.h"

int main(int count, char **arguments) {
  if (count < 4) return 2;
  const long producers = atol(arguments[2]), frames = atol(arguments[3]);
  frame_ring_options options;
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.data_bytes = 1 << 20;
  options.name = "verified in C";
  frame_ring_consumer *ring;
  if (frame_ring_consumer_new(&options, &ring) != FRAME_RING_OK) return 3;
  if (frame_ring_consumer_listen(ring, arguments[1]) != FRAME_RING_OK) return 4;
  uint64_t next[256] = {0};
  for (long n = 0; n < producers * frames; ++n) {
    frame_ring_frame frame;
    if (frame_ring_consumer_recv(ring, UINT64_C(60000000000), &frame) != FRAME_RING_OK) {
      fprintf(stderr, "verify: %s\n", frame_ring_last_error());
      return 5;
    }
    if (frame.descriptor.sequence != next[frame.producer]++ || frame.len != 320 * 180 * 3 / 2) return 6;
    for (uint64_t at = 0; at < frame.len; ++at) {
      if (frame.data[at] != (uint8_t)frame.descriptor.sequence) return 7;
    }
    if (frame_ring_frame_release(&frame) != FRAME_RING_OK) return 8;
    if (frame_ring_frame_release(&frame) != FRAME_RING_STALE_FRAME) return 9;
  }
  frame_ring_consumer_free(ring);
  return 0;
}
