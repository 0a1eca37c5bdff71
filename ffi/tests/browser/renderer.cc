// What a browser's renderer does, without the browser: somebody else has made the hand-over and passes a memfd, an eventfd
// and a producer id; this program maps, claims, writes, commits and wakes. It prints what it saw of wrong calls first.
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "frame_ring.h"

namespace {

int failures = 0;

void Expect(int line, int64_t found, int64_t expected) {
  if (found == expected) return;
  std::fprintf(stderr, "line %d: %lld instead of %lld\n", line, static_cast<long long>(found),
               static_cast<long long>(expected));
  ++failures;
}
#define EXPECT(found, expected) Expect(__LINE__, (found), (expected))

uint64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

void Wake(const frame_ring_core& core, int event, frame_ring_wake wake) {
  const uint64_t one = 1;
  if (wake == FRAME_RING_WAKE_FUTEX) {
    syscall(SYS_futex, frame_ring_core_wake_word(&core), FUTEX_WAKE, 1, nullptr, nullptr, 0);
  } else if (wake == FRAME_RING_WAKE_EVENTFD) {
    EXPECT(write(event, &one, sizeof one), sizeof one);
  }
}

// Every misuse that can be seen has an answer.
void Misuse(frame_ring_core* core, int event, void* base, uint64_t bytes) {
  frame_ring_core other;
  std::memset(&other, 0, sizeof other);
  frame_ring_grant grant;
  frame_ring_wake wake;
  frame_ring_descriptor about;
  EXPECT(frame_ring_descriptor_init(nullptr), FRAME_RING_BAD_ARGUMENT);
  EXPECT(frame_ring_descriptor_init(&about), FRAME_RING_OK);
  EXPECT(frame_ring_core_attach(nullptr, base, bytes, 1), FRAME_RING_BAD_ARGUMENT);
  EXPECT(frame_ring_core_attach(&other, nullptr, bytes, 1), FRAME_RING_BAD_ARGUMENT);
  EXPECT(frame_ring_core_attach(&other, static_cast<char*>(base) + 1, bytes, 1), FRAME_RING_BAD_ARGUMENT);
  EXPECT(frame_ring_core_attach(&other, base, bytes, 0), FRAME_RING_BAD_ARGUMENT);
  EXPECT(frame_ring_core_attach(&other, base, bytes, 256), FRAME_RING_BAD_ARGUMENT);
  EXPECT(frame_ring_core_attach(&other, base, 4095, 1), FRAME_RING_TOO_SMALL);
  EXPECT(frame_ring_core_attach(&other, base, bytes - 1, 1), FRAME_RING_TOO_SMALL);
  EXPECT(frame_ring_core_attach(&other, static_cast<char*>(base) + 4096, bytes - 4096, 1), FRAME_RING_NOT_A_RING);
  EXPECT(frame_ring_core_claim(&other, 8, FRAME_RING_CLASS_EVENT, &grant), FRAME_RING_NOT_ATTACHED);
  EXPECT(frame_ring_core_closed(&other), FRAME_RING_NOT_ATTACHED);
  EXPECT(frame_ring_core_detach(&other), FRAME_RING_NOT_ATTACHED);
  EXPECT(frame_ring_core_wake_word(&other) == nullptr, 1);
  EXPECT(frame_ring_core_claim(core, 8, 3, &grant), FRAME_RING_BAD_ARGUMENT);
  EXPECT(frame_ring_core_claim(core, 8, FRAME_RING_CLASS_EVENT, nullptr), FRAME_RING_BAD_ARGUMENT);
  EXPECT(frame_ring_core_claim(core, UINT64_MAX, FRAME_RING_CLASS_EVENT, &grant), FRAME_RING_TOO_LONG);
  EXPECT(frame_ring_core_commit(core, &grant, 0, &about, &wake), FRAME_RING_STALE_GRANT);

  EXPECT(frame_ring_core_claim(core, 8, FRAME_RING_CLASS_EVENT, &grant), FRAME_RING_OK);
  EXPECT(frame_ring_core_commit(core, &grant, 9, &about, &wake), FRAME_RING_BEYOND_GRANT);
  about.kind = 99;
  EXPECT(frame_ring_core_commit(core, &grant, 8, &about, &wake), FRAME_RING_BAD_DESCRIPTOR);
  about.kind = FRAME_RING_KIND_VIDEO;  // Of no size at all.
  EXPECT(frame_ring_core_commit(core, &grant, 8, &about, &wake), FRAME_RING_BAD_FORMAT);
  about.size -= 8;
  EXPECT(frame_ring_core_commit(core, &grant, 8, &about, &wake), FRAME_RING_BAD_SIZE);
  EXPECT(frame_ring_core_abort(core, &grant, &wake), FRAME_RING_OK);
  Wake(*core, event, wake);
  EXPECT(frame_ring_core_abort(core, &grant, &wake), FRAME_RING_STALE_GRANT);

  frame_ring_track track;
  std::memset(&track, 0, sizeof track);
  frame_ring_demand demand;
  EXPECT(frame_ring_core_track_demand(core, &track, 0, &demand), FRAME_RING_STALE_TRACK);
  EXPECT(frame_ring_core_track_close(core, &track), FRAME_RING_STALE_TRACK);
  EXPECT(frame_ring_core_track_id(&track), 0);
  EXPECT(std::strcmp(frame_ring_status_text(FRAME_RING_OK), "done"), 0);
  EXPECT(std::strstr(frame_ring_status_text(12345), "no status") != nullptr, 1);
}

// Pictures of 33 x 17 pixels, numbered; every third one is dropped before it is claimed.
void Send(const frame_ring_core& core, int event, int frames) {
  frame_ring_track_info info{};
  info.size = sizeof info;
  info.kind = 1;
  info.source = 1;
  std::strcpy(info.label, "a renderer");
  frame_ring_track track;
  EXPECT(frame_ring_core_track_open(&core, &info, &track), FRAME_RING_OK);

  frame_ring_descriptor about;
  EXPECT(frame_ring_descriptor_init(&about), FRAME_RING_OK);
  about.kind = FRAME_RING_KIND_VIDEO;
  uint64_t bytes = 0;
  EXPECT(frame_ring_video_aligned(&about.body.video, frame_ring_fourcc('N', 'V', '1', '2'), 33, 17, 64, &bytes),
         FRAME_RING_OK);
  const uint32_t rtp = 90000;
  EXPECT(frame_ring_descriptor_push_extension(&about, 1, reinterpret_cast<const uint8_t*>(&rtp), sizeof rtp),
         FRAME_RING_OK);
  for (int n = 0; n < frames; ++n) {
    frame_ring_demand demand;
    EXPECT(frame_ring_core_track_demand(&core, &track, Now(), &demand), FRAME_RING_OK);
    EXPECT(demand.wanted, 1);
    if (n % 3 == 2) {
      EXPECT(frame_ring_core_track_dropped(&core, &track), FRAME_RING_OK);
      continue;
    }
    frame_ring_grant grant;
    // The consumer is as fast as this: it only has to come to its turn.
    int32_t claimed;
    while ((claimed = frame_ring_core_claim(&core, bytes, FRAME_RING_CLASS_VIDEO, &grant)) == FRAME_RING_FULL_BYTES ||
           claimed == FRAME_RING_FULL_SLOTS) {
      usleep(100);
    }
    EXPECT(claimed, FRAME_RING_OK);
    if (claimed != FRAME_RING_OK) return;
    std::memset(grant.data, n & 0xff, bytes);
    about.pts_ns = n;
    frame_ring_wake wake;
    EXPECT(frame_ring_core_track_commit(&core, &track, &grant, bytes, &about, Now(), &wake), FRAME_RING_OK);
    Wake(core, event, wake);
  }
  EXPECT(frame_ring_core_track_close(&core, &track), FRAME_RING_OK);
}

}  // namespace

int main(int, char** arguments) {
  const int memfd = std::atoi(arguments[1]), event = std::atoi(arguments[2]);
  const uint32_t owner = static_cast<uint32_t>(std::atoi(arguments[3]));
  struct stat file;
  if (fstat(memfd, &file) != 0 || !(fcntl(memfd, F_GET_SEALS) & F_SEAL_SHRINK)) return 2;
  const uint64_t bytes = static_cast<uint64_t>(file.st_size);
  void* base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
  if (base == MAP_FAILED) return 2;

  frame_ring_core core;
  EXPECT(frame_ring_core_attach(&core, base, bytes, owner), FRAME_RING_OK);
  EXPECT(frame_ring_abi_version(), 1);
  EXPECT(frame_ring_core_closed(&core), 0);
  Misuse(&core, event, base, bytes);
  Send(core, event, 3000);
  EXPECT(frame_ring_core_detach(&core), FRAME_RING_OK);
  munmap(base, bytes);
  return failures == 0 ? 0 : 1;
}
