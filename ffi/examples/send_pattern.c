/*
 * Sends numbered pictures, 30 a second or as fast as they are taken:
 *   send_pattern SOCKET LABEL FRAMES [FPS]
 * Every byte of picture n is n modulo 256.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frame_ring.h"

#define WAIT_NS UINT64_C(10000000000)

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int fail(const char *what) {
  fprintf(stderr, "send_pattern: %s: %s\n", what, frame_ring_last_error());
  return 1;
}

/* Sends one picture; 0 if it went through or nobody wants it. */
static int send_one(const frame_ring_producer *producer, frame_ring_track *track, const frame_ring_descriptor *about,
                    uint64_t bytes, long n) {
  const frame_ring_core *core = frame_ring_producer_core(producer);
  frame_ring_demand demand;
  if (frame_ring_core_track_demand(core, track, now_ns(), &demand) != FRAME_RING_OK) return 1;
  if (!demand.wanted) return frame_ring_core_track_unwanted(core, track) != FRAME_RING_OK;
  frame_ring_grant grant;
  if (frame_ring_producer_claim(producer, bytes, FRAME_RING_CLASS_VIDEO, WAIT_NS, &grant) != FRAME_RING_OK) {
    frame_ring_core_track_dropped(core, track); /* The next picture says so. */
    return 1;
  }
  memset(grant.data, (int)(n & 0xff), (size_t)bytes); /* A decoder would write here. */
  return frame_ring_producer_track_commit(producer, track, &grant, bytes, about, now_ns()) != FRAME_RING_OK;
}

int main(int count, char **arguments) {
  if (count < 4) {
    fprintf(stderr, "usage: send_pattern SOCKET LABEL FRAMES [FPS]\n");
    return 2;
  }
  const long frames = atol(arguments[3]), fps = count > 4 ? atol(arguments[4]) : 0;
  frame_ring_producer *producer;
  if (frame_ring_producer_connect(arguments[1], arguments[2], &producer) != FRAME_RING_OK) return fail("connect");

  frame_ring_track_info info;
  memset(&info, 0, sizeof info);
  info.size = sizeof info;
  info.kind = 1;   /* Pictures... */
  info.source = 1; /* ... of a camera. */
  strncpy(info.label, arguments[2], sizeof info.label - 1);
  frame_ring_track track;
  if (frame_ring_core_track_open(frame_ring_producer_core(producer), &info, &track) != FRAME_RING_OK) return 1;

  frame_ring_descriptor about;
  uint64_t bytes;
  frame_ring_descriptor_init(&about);
  about.kind = FRAME_RING_KIND_VIDEO;
  if (frame_ring_video_aligned(&about.body.video, frame_ring_fourcc('Y', 'U', '1', '2'), 320, 180, 1, &bytes) !=
      FRAME_RING_OK) {
    return 1;
  }
  for (long n = 0; n < frames; ++n) {
    about.pts_ns = n * INT64_C(33333333);
    if (send_one(producer, &track, &about, bytes, n) != 0) return fail("send");
    if (fps > 0) {
      const struct timespec pause = {0, 1000000000 / fps};
      nanosleep(&pause, NULL);
    }
  }
  frame_ring_core_track_close(frame_ring_producer_core(producer), &track);
  frame_ring_producer_free(producer);
  return 0;
}
