// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "third_party/blink/renderer/modules/frame_ring/frame_ring_format.h"

#include <algorithm>
#include <vector>

#include "base/containers/span.h"
#include "media/base/audio_bus.h"
#include "media/base/video_frame.h"
#include "testing/gtest/include/gtest/gtest.h"
#include "third_party/blink/renderer/modules/frame_ring/frame_ring_memory.h"

namespace blink {

namespace {

constexpr base::TimeTicks kCaptured = base::TimeTicks() + base::Seconds(5);

// A picture whose bytes all differ from their neighbours, padding included.
scoped_refptr<media::VideoFrame> MakePicture(media::VideoPixelFormat format,
                                             const gfx::Size& coded,
                                             const gfx::Rect& visible) {
  auto frame = media::VideoFrame::CreateFrame(
      format, coded, visible, visible.size(), base::Milliseconds(40));
  uint8_t next = 1;
  for (size_t plane = 0; plane < media::VideoFrame::NumPlanes(format);
       ++plane) {
    for (uint8_t& byte : frame->writable_span(plane)) {
      byte = next;
      next = next == 250 ? 1 : next + 1;
    }
  }
  return frame;
}

std::vector<uint8_t> Copy(const media::VideoFrame& frame,
                          frame_ring_descriptor& descriptor) {
  uint64_t bytes = 0;
  EXPECT_TRUE(DescribeVideo(frame, kCaptured, descriptor, bytes));
  std::vector<uint8_t> payload(bytes);
  CopyVideo(frame, descriptor.body.video, payload);
  return payload;
}

// Compares each visible row of each plane.
void ExpectSame(const media::VideoFrame& frame) {
  frame_ring_descriptor descriptor;
  const std::vector<uint8_t> payload = Copy(frame, descriptor);
  const frame_ring_video& video = descriptor.body.video;
  ASSERT_EQ(video.plane_count, media::VideoFrame::NumPlanes(frame.format()));
  for (size_t plane = 0; plane < video.plane_count; ++plane) {
    const auto source = frame.GetVisiblePlaneData(plane);
    const size_t row_bytes =
        media::VideoFrame::RowBytes(plane, frame.format(), video.coded_width);
    const size_t rows =
        media::VideoFrame::Rows(plane, frame.format(), video.coded_height);
    const auto [offset, stride] = base::span(video.planes)[plane];
    EXPECT_EQ(stride % 64, 0u);
    for (size_t row = 0; row < rows; ++row) {
      const auto expected =
          source.subspan(row * frame.stride(plane), row_bytes);
      const auto found =
          base::span(payload).subspan(offset + row * stride, row_bytes);
      EXPECT_TRUE(std::ranges::equal(expected, found))
          << "plane " << plane << ", row " << row;
    }
  }
}

TEST(FrameRingFormatTest, PicturesArriveByteForByte) {
  for (media::VideoPixelFormat format :
       {media::PIXEL_FORMAT_I420, media::PIXEL_FORMAT_I420A,
        media::PIXEL_FORMAT_I422, media::PIXEL_FORMAT_I444,
        media::PIXEL_FORMAT_NV12, media::PIXEL_FORMAT_YUV420P10,
        media::PIXEL_FORMAT_ABGR, media::PIXEL_FORMAT_XRGB}) {
    SCOPED_TRACE(media::VideoPixelFormatToString(format));
    for (const gfx::Size& size :
         {gfx::Size(64, 32), gfx::Size(65, 33), gfx::Size(1, 1)}) {
      ExpectSame(*MakePicture(format, size, gfx::Rect(size)));
    }
  }
}

TEST(FrameRingFormatTest, TheVisiblePartIsCopied) {
  const auto frame = MakePicture(media::PIXEL_FORMAT_I420, gfx::Size(64, 48),
                                 gfx::Rect(8, 4, 33, 21));
  ExpectSame(*frame);
  frame_ring_descriptor descriptor;
  Copy(*frame, descriptor);
  const frame_ring_video& video = descriptor.body.video;
  EXPECT_EQ(video.coded_width, 33u);
  EXPECT_EQ(video.coded_height, 21u);
  EXPECT_EQ(video.visible.x, 0);
  EXPECT_EQ(video.visible.width, 33);
}

TEST(FrameRingFormatTest, AVisiblePartBetweenTwoSamplesOfChroma) {
  const auto frame = MakePicture(media::PIXEL_FORMAT_I420, gfx::Size(64, 48),
                                 gfx::Rect(9, 5, 32, 20));
  ExpectSame(*frame);
  frame_ring_descriptor descriptor;
  Copy(*frame, descriptor);
  const frame_ring_video& video = descriptor.body.video;
  EXPECT_EQ(video.coded_width, 33u);
  EXPECT_EQ(video.coded_height, 21u);
  EXPECT_EQ(video.visible.x, 1);
  EXPECT_EQ(video.visible.y, 1);
  EXPECT_EQ(video.visible.width, 32);
  EXPECT_EQ(video.visible.height, 20);
}

TEST(FrameRingFormatTest, WhatIsSaidOfAPicture) {
  auto frame = MakePicture(media::PIXEL_FORMAT_NV12, gfx::Size(64, 32),
                           gfx::Rect(0, 0, 64, 32));
  frame->set_color_space(gfx::ColorSpace::CreateREC709());
  frame->metadata().transformation =
      media::VideoTransformation(media::VIDEO_ROTATION_90, true);
  frame->metadata().rtp_timestamp = 4000000000.0;
  frame->metadata().frame_rate = 29.97;
  frame_ring_descriptor descriptor;
  Copy(*frame, descriptor);
  EXPECT_EQ(descriptor.pts_ns, 40'000'000);
  EXPECT_EQ(descriptor.mono_ns, ToFrameRingTime(kCaptured));
  EXPECT_EQ(descriptor.flags, 0u);
  EXPECT_EQ(descriptor.extensions_len, 8u);
  const frame_ring_video& video = descriptor.body.video;
  EXPECT_EQ(video.fourcc, frame_ring_fourcc('N', 'V', '1', '2'));
  EXPECT_EQ(video.fps_milli, 29970u);
  EXPECT_EQ(video.rotation, 1);
  EXPECT_EQ(video.flip, 1);
  EXPECT_EQ(video.display_width, 32u);
  EXPECT_EQ(video.display_height, 64u);
  EXPECT_EQ(video.primaries, 1);
  EXPECT_EQ(video.transfer, 1);
  EXPECT_EQ(video.matrix, 1);
  EXPECT_EQ(video.range, 1);
}

TEST(FrameRingFormatTest, FormatsWithoutACodeAreRefused) {
  const auto frame = MakePicture(media::PIXEL_FORMAT_NV21, gfx::Size(64, 32),
                                 gfx::Rect(0, 0, 64, 32));
  frame_ring_descriptor descriptor;
  uint64_t bytes = 0;
  EXPECT_FALSE(DescribeVideo(*frame, kCaptured, descriptor, bytes));
}

TEST(FrameRingFormatTest, SoundIsPlanar) {
  auto bus = media::AudioBus::Create(2, 480);
  for (int channel = 0; channel < 2; ++channel) {
    float next = 0.25f * static_cast<float>(channel);
    for (float& sample : bus->channel(channel)) {
      sample = next += 0.001f;
    }
  }
  frame_ring_descriptor descriptor;
  uint64_t bytes = 0;
  ASSERT_TRUE(
      DescribeAudio(*bus, 48000, 960, base::TimeTicks(), descriptor, bytes));
  EXPECT_EQ(descriptor.kind, uint32_t{FRAME_RING_KIND_AUDIO});
  EXPECT_EQ(descriptor.flags, uint32_t{FRAME_RING_FLAG_ESTIMATED_TS});
  EXPECT_EQ(descriptor.duration_ns, 10'000'000u);
  const frame_ring_audio& audio = descriptor.body.audio;
  EXPECT_EQ(audio.rate, 48000u);
  EXPECT_EQ(audio.channels, 2);
  EXPECT_EQ(audio.frames, 480u);
  EXPECT_EQ(audio.position, 960u);
  EXPECT_EQ(audio.plane_stride, 1920u);
  std::vector<uint8_t> payload(bytes);
  CopyAudio(*bus, audio, payload);
  for (int channel = 0; channel < 2; ++channel) {
    EXPECT_TRUE(std::ranges::equal(
        base::as_bytes(base::allow_nonunique_obj, bus->channel(channel)),
        base::span(payload).subspan(1920u * static_cast<size_t>(channel),
                                    1920u)));
  }
}

}  // namespace

}  // namespace blink
