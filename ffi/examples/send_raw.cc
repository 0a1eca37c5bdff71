// Sends raw I420 video from standard input, read straight into the ring:
//   ffmpeg -i talk.mp4 -pix_fmt yuv420p -f rawvideo - | send_raw SOCKET WIDTH HEIGHT [LABEL]
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "frame_ring.hpp"

namespace {

uint64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

// Fills `data` from standard input; false at its end.
bool Read(uint8_t* data, size_t size) {
  while (size > 0) {
    const ssize_t got = read(STDIN_FILENO, data, size);
    if (got <= 0) return false;
    data += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

int Fail(const char* what) {
  std::fprintf(stderr, "send_raw: %s: %s\n", what, frame_ring::last_error());
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) {
    std::fprintf(stderr, "usage: send_raw SOCKET WIDTH HEIGHT [LABEL]\n");
    return 2;
  }
  const char* label = count > 4 ? arguments[4] : "standard input";
  frame_ring::Producer producer;
  if (!frame_ring::Producer::connect(arguments[1], label, &producer).ok()) return Fail("connect");
  frame_ring::Track track;
  if (!producer.track(frame_ring::TrackInfo(1, 2, label), &track).ok()) return Fail("open a track");

  frame_ring::Descriptor about;
  uint64_t bytes = 0;
  const auto width = static_cast<uint32_t>(std::atoi(arguments[2])), height = static_cast<uint32_t>(std::atoi(arguments[3]));
  if (!about.video(frame_ring_fourcc('Y', 'U', '1', '2'), width, height, &bytes).ok()) {
    std::fprintf(stderr, "send_raw: no picture has %u x %u pixels\n", width, height);
    return 2;
  }
  for (int64_t n = 0;; ++n) {
    // The first byte tells whether there is one more picture, before anything is claimed for it.
    uint8_t first;
    if (!Read(&first, 1)) return 0;
    frame_ring::Grant grant;
    // A file is to arrive complete, so this waits; live capture would claim without a time-out, and call dropped().
    if (!producer.claim(bytes, FRAME_RING_CLASS_VIDEO, &grant, FRAME_RING_FOREVER).ok()) return Fail("claim");
    grant.data()[0] = first;
    if (!Read(grant.data() + 1, grant.size() - 1)) return Fail("read a whole picture");
    about.pts_ns = n * 33333333;
    if (!track.commit(grant, about, Now()).ok()) return Fail("commit");
  }
}
