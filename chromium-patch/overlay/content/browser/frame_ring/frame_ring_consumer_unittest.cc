// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

// The browser's way to a ring, and the core as this tree compiles it, together
// with a consumer that is there:
//
//   frame-ring run --out DIR --format y4m -- ./frame_ring_unittests
//
// Skipped where no consumer is.

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/compiler_specific.h"
#include "base/containers/span.h"
#include "base/environment.h"
#include "base/memory/raw_ptr.h"
#include "base/threading/platform_thread.h"
#include "base/time/time.h"
#include "content/browser/frame_ring/frame_ring_connector.h"
#include "testing/gtest/include/gtest/gtest.h"
#include "third_party/frame_ring/include/frame_ring.h"

namespace content {

namespace {

constexpr uint32_t kWidth = 64;
constexpr uint32_t kHeight = 32;
constexpr uint32_t kFrames = 100;

uint64_t NowNs() {
  return static_cast<uint64_t>(
      (base::TimeTicks::Now() - base::TimeTicks()).InNanoseconds());
}

class FrameRingConsumerTest : public testing::Test {
 public:
  void SetUp() override {
    const std::optional<std::string> path =
        base::Environment::Create()->GetVar("FRAME_RING_SOCKET");
    if (!path) {
      GTEST_SKIP() << "no consumer: FRAME_RING_SOCKET is not set";
    }
    auto connected = ConnectToFrameRing(*path, "unit tests");
    ASSERT_TRUE(connected.has_value());
    connection_ = std::move(*connected);
    start_ = mmap(nullptr, connection_.size, PROT_READ | PROT_WRITE, MAP_SHARED,
                  connection_.memory.get(), 0);
    ASSERT_NE(start_, MAP_FAILED);
    ASSERT_EQ(frame_ring_core_attach(&core_, start_, connection_.size,
                                     connection_.producer),
              FRAME_RING_OK);
  }

  void TearDown() override {
    if (start_) {
      frame_ring_core_detach(&core_);
      munmap(start_.ExtractAsDangling(), connection_.size);
    }
  }

 protected:
  void Wake(frame_ring_wake wake) {
    if (wake == FRAME_RING_WAKE_FUTEX) {
      syscall(SYS_futex, frame_ring_core_wake_word(&core_), FUTEX_WAKE, 1,
              nullptr, nullptr, 0);
    } else if (wake == FRAME_RING_WAKE_EVENTFD) {
      const uint64_t one = 1;
      ASSERT_EQ(write(connection_.doorbell.get(), &one, sizeof(one)),
                static_cast<ssize_t>(sizeof(one)));
    }
  }

  FrameRingConnection connection_;
  raw_ptr<void> start_ = nullptr;
  frame_ring_core core_ = {};
};

TEST_F(FrameRingConsumerTest, TakesFramesOfATrack) {
  frame_ring_track_info info = {
      .size = sizeof(info), .kind = 1, .source = 1, .label = "unit tests"};
  frame_ring_track track = {};
  ASSERT_EQ(frame_ring_core_track_open(&core_, &info, &track), FRAME_RING_OK);
  for (uint32_t i = 0; i < kFrames; ++i) {
    frame_ring_descriptor descriptor;
    frame_ring_descriptor_init(&descriptor);
    descriptor.kind = FRAME_RING_KIND_VIDEO;
    descriptor.pts_ns = base::Milliseconds(i * 10).InNanoseconds();
    uint64_t bytes = 0;
    ASSERT_EQ(frame_ring_video_aligned(&descriptor.body.video,
                                       frame_ring_fourcc('Y', 'U', '1', '2'),
                                       kWidth, kHeight, 64, &bytes),
              FRAME_RING_OK);
    frame_ring_grant grant = {};
    ASSERT_EQ(
        frame_ring_core_claim(&core_, bytes, FRAME_RING_CLASS_VIDEO, &grant),
        FRAME_RING_OK);
    // SAFETY: the core has handed out so many bytes of the mapping.
    auto payload = UNSAFE_BUFFERS(
        base::span<uint8_t>(grant.data, static_cast<size_t>(bytes)));
    std::ranges::fill(payload, static_cast<uint8_t>(16 + i));
    frame_ring_wake wake = FRAME_RING_WAKE_NOBODY;
    ASSERT_EQ(frame_ring_core_track_commit(&core_, &track, &grant, bytes,
                                           &descriptor, NowNs(), &wake),
              FRAME_RING_OK);
    Wake(wake);
    base::PlatformThread::Sleep(base::Milliseconds(10));
  }
  frame_ring_counters counters = {};
  ASSERT_EQ(frame_ring_core_counters(&core_, &counters), FRAME_RING_OK);
  EXPECT_EQ(counters.frames, uint64_t{kFrames});
  EXPECT_EQ(frame_ring_core_track_close(&core_, &track), FRAME_RING_OK);
}

}  // namespace

}  // namespace content
