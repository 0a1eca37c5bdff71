/*
 * Makes a ring, and writes the first I420 track that somebody sends into it to a file that players know:
 *   record_y4m SOCKET FILE FRAMES
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame_ring.h"

static int fail(const char *what) {
  fprintf(stderr, "record_y4m: %s: %s\n", what, frame_ring_last_error());
  return 1;
}

/* Writes the visible rows of all planes, straight from the ring. */
static int write_picture(FILE *file, const frame_ring_frame *frame) {
  frame_ring_view plane;
  fputs("FRAME\n", file);
  for (uint32_t n = 0; n < 3; ++n) {
    if (frame_ring_frame_plane(frame, n, &plane) != FRAME_RING_OK) return fail("plane");
    for (uint64_t row = 0; row < plane.rows; ++row) {
      fwrite(plane.data + row * plane.stride, 1, (size_t)plane.row_bytes, file);
    }
  }
  return ferror(file);
}

int main(int count, char **arguments) {
  if (count < 4) {
    fprintf(stderr, "usage: record_y4m SOCKET FILE FRAMES\n");
    return 2;
  }
  const long frames = atol(arguments[3]);
  frame_ring_consumer *ring;
  if (frame_ring_consumer_new(NULL, &ring) != FRAME_RING_OK) return fail("make a ring");
  if (frame_ring_consumer_listen(ring, arguments[1]) != FRAME_RING_OK) return fail("listen");
  FILE *file = fopen(arguments[2], "wb");
  if (file == NULL) {
    perror(arguments[2]);
    return 1;
  }
  uint32_t track = 0;
  long written = 0;
  while (written < frames) {
    frame_ring_frame frame;
    const frame_ring_status received = frame_ring_consumer_recv(ring, FRAME_RING_FOREVER, &frame);
    if (received == FRAME_RING_BAD_FRAME) continue;
    if (received != FRAME_RING_OK) return fail("receive");
    const frame_ring_descriptor *about = &frame.descriptor;
    const int is_picture = about->kind == FRAME_RING_KIND_VIDEO && about->payload_len > 0 &&
                           about->body.video.fourcc == frame_ring_fourcc('Y', 'U', '1', '2');
    if (is_picture && track == 0) {
      track = about->track;
      fprintf(file, "YUV4MPEG2 W%u H%u F30:1 Ip A1:1 C420jpeg\n", (unsigned)about->body.video.coded_width,
              (unsigned)about->body.video.coded_height);
    }
    if (is_picture && about->track == track) {
      if (write_picture(file, &frame) != 0) return 1;
      ++written;
    }
    frame_ring_frame_release(&frame);
  }
  frame_ring_consumer_free(ring);
  return fclose(file) == 0 ? 0 : 1;
}
