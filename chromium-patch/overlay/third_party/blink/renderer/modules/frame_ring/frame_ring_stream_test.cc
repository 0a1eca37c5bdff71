// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "third_party/blink/renderer/modules/frame_ring/frame_ring_stream.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "base/containers/span.h"
#include "base/numerics/byte_conversions.h"
#include "media/base/audio_bus.h"
#include "media/base/video_frame.h"
#include "testing/gtest/include/gtest/gtest.h"
#include "third_party/blink/renderer/modules/frame_ring/frame_ring_memory.h"

namespace blink {

namespace {

// A ring of 16 slots, 4 tracks and 1 MiB, by docs/abi.md of frame-ring; looked
// at by its bytes, as no consumer is in this program.
constexpr uint32_t kSlots = 16;
constexpr uint32_t kTracks = 4;
constexpr uint64_t kDataBytes = 1 << 20;
constexpr uint64_t kWakeAt = 4352;
constexpr uint64_t kClosedAt = 4608;
constexpr uint64_t kTracksAt = 40960;
constexpr uint64_t kSlotsAt = 45056;
constexpr uint64_t kDataAt = 49152;
constexpr uint64_t kTotalBytes = kDataAt + kDataBytes + 4096;
constexpr uint8_t kProducer = 3;

constexpr uint64_t kCommitted = 2;

class FrameRingStreamTest : public testing::Test {
 public:
  void SetUp() override {
    file_ = base::ScopedFD(memfd_create("ring", MFD_CLOEXEC));
    ASSERT_EQ(ftruncate(file_.get(), kTotalBytes), 0);
    Write(0, base::as_byte_span(std::string_view("FRAMERNG")));
    WriteU32(8, 1);
    WriteU32(12, kSlots);
    WriteU64(32, kTotalBytes);
    WriteU64(40, kDataBytes);
    WriteU64(48, kSlotsAt);
    WriteU64(56, kDataAt);
    WriteU32(64, kTracks);
    doorbell_ = base::ScopedFD(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    memory_ = FrameRingMemory::Map(Duplicate(file_), kTotalBytes,
                                   Duplicate(doorbell_), kProducer);
    ASSERT_TRUE(memory_);
  }

 protected:
  static base::ScopedFD Duplicate(const base::ScopedFD& fd) {
    return base::ScopedFD(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  }
  void Write(uint64_t at, base::span<const uint8_t> bytes) {
    ASSERT_EQ(
        pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(at)),
        static_cast<ssize_t>(bytes.size()));
  }
  void WriteU32(uint64_t at, uint32_t value) {
    Write(at, base::U32ToLittleEndian(value));
  }
  void WriteU64(uint64_t at, uint64_t value) {
    Write(at, base::U64ToLittleEndian(value));
  }
  template <size_t N>
  std::array<uint8_t, N> Read(uint64_t at) {
    std::array<uint8_t, N> bytes = {};
    EXPECT_EQ(pread(file_.get(), bytes.data(), N, static_cast<off_t>(at)),
              static_cast<ssize_t>(N));
    return bytes;
  }
  uint32_t ReadU32(uint64_t at) {
    return base::U32FromLittleEndian(Read<4>(at));
  }
  uint64_t ReadU64(uint64_t at) {
    return base::U64FromLittleEndian(Read<8>(at));
  }
  uint64_t DescriptorAt(uint32_t slot) { return kSlotsAt + 256 * slot + 64; }
  uint64_t SlotState(uint32_t slot) {
    return ReadU64(kSlotsAt + 256 * slot) >> 36 & 3;
  }

  base::ScopedFD file_;
  base::ScopedFD doorbell_;
  scoped_refptr<FrameRingMemory> memory_;
};

scoped_refptr<media::VideoFrame> MakePicture() {
  return media::VideoFrame::CreateColorFrame(gfx::Size(64, 32), 0x51, 0x5a,
                                             0xf0, base::Milliseconds(40));
}

FrameRingStreamInfo CameraOf(const char* name) {
  return {.kind = FrameRingStreamInfo::Kind::kVideo,
          .label = name,
          .source = "camera",
          .source_id = 77};
}

TEST_F(FrameRingStreamTest, AStreamIsATrackOfTheRing) {
  auto stream = FrameRingStream::Open(memory_, CameraOf("Ada"));
  ASSERT_TRUE(stream);
  EXPECT_EQ(ReadU32(kTracksAt), 2u | uint32_t{kProducer} << 8);
  EXPECT_EQ(ReadU32(kTracksAt + 8), stream->id());
  EXPECT_EQ(ReadU32(kTracksAt + 16), 1u);
  EXPECT_EQ(ReadU32(kTracksAt + 20), 1u);
  EXPECT_EQ(ReadU32(kTracksAt + 24), 77u);
  EXPECT_EQ(base::as_string_view(Read<4>(kTracksAt + 32)),
            std::string_view("Ada\0", 4));
  stream->Close();
  EXPECT_EQ(ReadU32(kTracksAt) & 0xff, 3u);
}

TEST_F(FrameRingStreamTest, APictureLiesInTheRing) {
  auto stream = FrameRingStream::Open(memory_, CameraOf("Ada"));
  ASSERT_TRUE(stream->PutVideo(*MakePicture(), base::TimeTicks::Now()));
  EXPECT_EQ(SlotState(0), kCommitted);
  EXPECT_EQ(Read<4>(DescriptorAt(0))[3], FRAME_RING_KIND_VIDEO);
  EXPECT_EQ(ReadU32(DescriptorAt(0) + 8), stream->id());
  EXPECT_EQ(ReadU32(DescriptorAt(0) + 12), 77u);
  EXPECT_EQ(ReadU64(DescriptorAt(0) + 24), 40'000'000u);
  // A row of 64 luma bytes; chroma begins at the stride's next multiple.
  EXPECT_EQ(Read<1>(kDataAt)[0], 0x51);
  EXPECT_EQ(Read<1>(kDataAt + 64 * 32 - 1)[0], 0x51);
  EXPECT_EQ(Read<1>(kDataAt + 64 * 32)[0], 0x5a);
  EXPECT_EQ(Read<1>(kDataAt + 64 * 32 + 64 * 16)[0], 0xf0);
  EXPECT_EQ(stream->stats().frames, 1u);
}

TEST_F(FrameRingStreamTest, AFullRingDropsAndCounts) {
  auto stream = FrameRingStream::Open(memory_, CameraOf("Ada"));
  // Nobody takes them: pictures get 7/8 of the slots.
  for (uint32_t i = 0; i < kSlots; ++i) {
    EXPECT_EQ(stream->PutVideo(*MakePicture(), base::TimeTicks()),
              i < kSlots * 7 / 8);
  }
  EXPECT_EQ(stream->stats().frames, 14u);
  EXPECT_EQ(stream->stats().dropped, 2u);
  EXPECT_EQ(memory_->counters().full_slots, 2u);
}

TEST_F(FrameRingStreamTest, WhatIsNotWantedIsNotCopied) {
  auto stream = FrameRingStream::Open(memory_, CameraOf("Ada"));
  WriteU32(kTracksAt + 256, 1);
  EXPECT_FALSE(stream->PutVideo(*MakePicture(), base::TimeTicks()));
  EXPECT_EQ(stream->stats().unwanted, 1u);
  EXPECT_EQ(stream->stats().dropped, 0u);
  EXPECT_EQ(Read<1>(kDataAt)[0], 0);
}

TEST_F(FrameRingStreamTest, ASleepingConsumerIsWoken) {
  auto stream = FrameRingStream::Open(memory_, CameraOf("Ada"));
  WriteU32(kWakeAt, 2);
  ASSERT_TRUE(stream->PutVideo(*MakePicture(), base::TimeTicks()));
  uint64_t rung = 0;
  EXPECT_EQ(read(doorbell_.get(), &rung, sizeof(rung)),
            static_cast<ssize_t>(sizeof(rung)));
  EXPECT_EQ(rung, 1u);
}

TEST_F(FrameRingStreamTest, TheEndIsAFrameWithoutContent) {
  auto stream = FrameRingStream::Open(memory_, CameraOf("Ada"));
  ASSERT_TRUE(stream->PutVideo(*MakePicture(), base::TimeTicks()));
  ASSERT_TRUE(stream->PutEvent(FrameRingEvent::kMuted));
  stream->Close();
  EXPECT_EQ(Read<4>(DescriptorAt(1))[3], FRAME_RING_KIND_EVENT);
  EXPECT_EQ(ReadU32(DescriptorAt(1) + 64),
            static_cast<uint32_t>(FrameRingEvent::kMuted));
  EXPECT_EQ(Read<4>(DescriptorAt(2))[3], FRAME_RING_KIND_VIDEO);
  EXPECT_NE(ReadU32(DescriptorAt(2) + 4) & FRAME_RING_FLAG_EOS, 0u);
  EXPECT_EQ(ReadU32(DescriptorAt(2) + 44), 0u);
  EXPECT_FALSE(stream->PutVideo(*MakePicture(), base::TimeTicks()));
}

TEST_F(FrameRingStreamTest, SoundCountsItsSamples) {
  auto stream = FrameRingStream::Open(
      memory_, {.kind = FrameRingStreamInfo::Kind::kAudio});
  const auto bus = media::AudioBus::Create(1, 480);
  ASSERT_TRUE(stream->PutAudio(*bus, 48000, base::TimeTicks::Now()));
  ASSERT_TRUE(stream->PutAudio(*bus, 48000, base::TimeTicks::Now()));
  EXPECT_EQ(ReadU64(DescriptorAt(0) + 88), 0u);
  EXPECT_EQ(ReadU64(DescriptorAt(1) + 88), 480u);
}

TEST_F(FrameRingStreamTest, NoMoreStreamsThanTracks) {
  std::array<scoped_refptr<FrameRingStream>, kTracks> streams;
  for (auto& stream : streams) {
    stream = FrameRingStream::Open(memory_, CameraOf("Ada"));
    EXPECT_TRUE(stream);
  }
  EXPECT_FALSE(FrameRingStream::Open(memory_, CameraOf("Ada")));
}

TEST_F(FrameRingStreamTest, AConsumerThatHasLeft) {
  EXPECT_FALSE(memory_->closed());
  WriteU32(kClosedAt, 1);
  EXPECT_TRUE(memory_->closed());
}

TEST_F(FrameRingStreamTest, WhatIsNoRingIsNotMapped) {
  Write(0, base::as_byte_span(std::string_view("NORINGAT")));
  EXPECT_FALSE(FrameRingMemory::Map(Duplicate(file_), kTotalBytes,
                                    Duplicate(doorbell_), kProducer));
}

}  // namespace

}  // namespace blink
