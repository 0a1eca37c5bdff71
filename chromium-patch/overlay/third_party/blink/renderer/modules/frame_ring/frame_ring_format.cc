// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "third_party/blink/renderer/modules/frame_ring/frame_ring_format.h"

#include <array>
#include <optional>
#include <utility>

#include "base/numerics/safe_conversions.h"
#include "media/base/audio_bus.h"
#include "media/base/video_color_space.h"
#include "media/base/video_frame.h"
#include "media/base/video_transformation.h"
#include "third_party/blink/renderer/modules/frame_ring/frame_ring_memory.h"
#include "third_party/libyuv/include/libyuv/planar_functions.h"
#include "ui/gfx/color_space.h"

namespace blink {

namespace {

// Rows and channels begin at multiples of a cache line, so that whoever reads
// them with wide instructions can do so in place.
constexpr uint32_t kAlign = 64;

constexpr uint16_t kRtpTimestamp = 1;
constexpr uint16_t kCaptureBegin = 2;
constexpr uint16_t kReceiveTime = 4;

constexpr uint32_t Code(const char (&name)[5]) {
  return static_cast<uint32_t>(name[0]) | static_cast<uint32_t>(name[1]) << 8 |
         static_cast<uint32_t>(name[2]) << 16 |
         static_cast<uint32_t>(name[3]) << 24;
}

// Nothing for formats that frame-ring has no code for.
std::optional<uint32_t> ToFourcc(media::VideoPixelFormat format) {
  switch (format) {
    case media::PIXEL_FORMAT_I420:
    case media::PIXEL_FORMAT_YV12:  // Its chroma planes are exchanged below.
      return Code("YU12");
    case media::PIXEL_FORMAT_I420A:
      return Code("A420");
    case media::PIXEL_FORMAT_I422:
      return Code("YU16");
    case media::PIXEL_FORMAT_I444:
      return Code("YU24");
    case media::PIXEL_FORMAT_NV12:
      return Code("NV12");
    case media::PIXEL_FORMAT_P010LE:
      return Code("P010");
    case media::PIXEL_FORMAT_YUV420P10:
      return Code("S010");
    case media::PIXEL_FORMAT_YUV422P10:
      return Code("S210");
    case media::PIXEL_FORMAT_YUV444P10:
      return Code("S410");
    case media::PIXEL_FORMAT_ABGR:
      return Code("AB24");
    case media::PIXEL_FORMAT_ARGB:
      return Code("AR24");
    case media::PIXEL_FORMAT_XBGR:
      return Code("XB24");
    case media::PIXEL_FORMAT_XRGB:
      return Code("XR24");
    default:
      return std::nullopt;
  }
}

// The plane of `frame` that is plane `plane` of the ring's format.
size_t SourcePlane(const media::VideoFrame& frame, size_t plane) {
  constexpr std::array<size_t, 3> kExchanged = {0, 2, 1};
  return frame.format() == media::PIXEL_FORMAT_YV12 ? kExchanged[plane] : plane;
}

void DescribeColor(const gfx::ColorSpace& color_space, frame_ring_video& to) {
  const auto color = media::VideoColorSpace::FromGfxColorSpace(color_space);
  constexpr uint8_t kUnspecified = 2;
  const auto code = [](auto id, auto invalid) {
    return id == invalid ? kUnspecified : static_cast<uint8_t>(id);
  };
  to.primaries =
      code(color.primaries(), media::VideoColorSpace::PrimaryID::INVALID);
  to.transfer =
      code(color.transfer(), media::VideoColorSpace::TransferID::INVALID);
  to.matrix = code(color.matrix(), media::VideoColorSpace::MatrixID::INVALID);
  switch (color.range()) {
    case gfx::ColorSpace::RangeID::LIMITED:
      to.range = 1;
      break;
    case gfx::ColorSpace::RangeID::FULL:
      to.range = 2;
      break;
    default:
      to.range = 0;
  }
}

// Sizes and places; false if they leave what can be said.
bool DescribePlanes(const media::VideoFrame& frame,
                    frame_ring_video& to,
                    uint64_t& bytes) {
  const auto fourcc = ToFourcc(frame.format());
  if (!fourcc) {
    return false;
  }
  // A visible part that begins between two samples of chroma is copied from the
  // sample before, as `GetVisiblePlaneData` gives it.
  const gfx::Rect visible = frame.visible_rect();
  const gfx::Size sample =
      media::VideoFrame::NumPlanes(frame.format()) > 1
          ? media::VideoFrame::SampleSize(frame.format(), 1)
          : gfx::Size(1, 1);
  const int left = visible.x() % sample.width();
  const int top = visible.y() % sample.height();
  const int width = visible.width() + left, height = visible.height() + top;
  if (frame_ring_video_aligned(&to, *fourcc,
                               base::saturated_cast<uint32_t>(width),
                               base::saturated_cast<uint32_t>(height), kAlign,
                               &bytes) != FRAME_RING_OK) {
    return false;
  }
  to.visible = {.x = static_cast<uint16_t>(left),
                .y = static_cast<uint16_t>(top),
                .width = static_cast<uint16_t>(visible.width()),
                .height = static_cast<uint16_t>(visible.height())};
  to.display_width =
      base::saturated_cast<uint16_t>(frame.natural_size().width());
  to.display_height =
      base::saturated_cast<uint16_t>(frame.natural_size().height());
  return true;
}

void DescribeTransformation(const media::VideoTransformation& transformation,
                            frame_ring_video& to) {
  switch (transformation.rotation) {
    case media::VIDEO_ROTATION_0:
      to.rotation = 0;
      break;
    case media::VIDEO_ROTATION_90:
      to.rotation = 1;
      break;
    case media::VIDEO_ROTATION_180:
      to.rotation = 2;
      break;
    case media::VIDEO_ROTATION_270:
      to.rotation = 3;
      break;
  }
  to.flip = transformation.mirrored ? 1 : 0;
  if (to.rotation % 2 == 1) {
    std::swap(to.display_width, to.display_height);
  }
}

void PushTime(frame_ring_descriptor& to, uint16_t type, base::TimeTicks time) {
  const uint64_t ns = ToFrameRingTime(time);
  const auto bytes = base::byte_span_from_ref(ns);
  frame_ring_descriptor_push_extension(&to, type, bytes.data(), bytes.size());
}

void DescribeTimes(const media::VideoFrame& frame,
                   base::TimeTicks captured,
                   frame_ring_descriptor& to) {
  const media::VideoFrameMetadata& metadata = frame.metadata();
  to.pts_ns = frame.timestamp().InNanoseconds();
  if (!captured.is_null()) {
    to.mono_ns = ToFrameRingTime(captured);
  } else {
    to.flags |= FRAME_RING_FLAG_ESTIMATED_TS;
  }
  if (metadata.frame_duration) {
    to.duration_ns = base::saturated_cast<uint32_t>(
        metadata.frame_duration->InNanoseconds());
  }
  if (metadata.rtp_timestamp) {
    const auto rtp = base::saturated_cast<uint32_t>(*metadata.rtp_timestamp);
    const auto bytes = base::byte_span_from_ref(rtp);
    frame_ring_descriptor_push_extension(&to, kRtpTimestamp, bytes.data(),
                                         bytes.size());
  }
  if (metadata.capture_begin_time) {
    PushTime(to, kCaptureBegin, *metadata.capture_begin_time);
  }
  if (metadata.receive_time) {
    PushTime(to, kReceiveTime, *metadata.receive_time);
  }
}

}  // namespace

bool DescribeVideo(const media::VideoFrame& frame,
                   base::TimeTicks captured,
                   frame_ring_descriptor& to,
                   uint64_t& bytes) {
  frame_ring_descriptor_init(&to);
  to.kind = FRAME_RING_KIND_VIDEO;
  frame_ring_video& video = to.body.video;
  if (!DescribePlanes(frame, video, bytes)) {
    return false;
  }
  const media::VideoFrameMetadata& metadata = frame.metadata();
  DescribeTransformation(
      metadata.transformation.value_or(media::kNoTransformation), video);
  DescribeColor(frame.ColorSpace(), video);
  if (metadata.frame_rate) {
    video.fps_milli =
        base::saturated_cast<uint32_t>(*metadata.frame_rate * 1000 + 0.5);
  }
  DescribeTimes(frame, captured, to);
  return true;
}

void CopyVideo(const media::VideoFrame& frame,
               const frame_ring_video& description,
               base::span<uint8_t> to) {
  const base::span planes(description.planes);
  for (size_t plane = 0; plane < description.plane_count; ++plane) {
    const size_t source = SourcePlane(frame, plane);
    const size_t row_bytes = media::VideoFrame::RowBytes(
        source, frame.format(), description.coded_width);
    const size_t rows = media::VideoFrame::Rows(source, frame.format(),
                                                description.coded_height);
    const auto [offset, stride] = planes[plane];
    // The last row of the place ends with its last byte, not with its stride.
    const auto place = to.subspan(offset, stride * (rows - 1) + row_bytes);
    libyuv::CopyPlane(frame.GetVisiblePlaneData(source).data(),
                      base::checked_cast<int>(frame.stride(source)),
                      place.data(), base::checked_cast<int>(stride),
                      base::checked_cast<int>(row_bytes),
                      base::checked_cast<int>(rows));
  }
}

bool DescribeAudio(const media::AudioBus& bus,
                   int rate,
                   uint64_t position,
                   base::TimeTicks captured,
                   frame_ring_descriptor& to,
                   uint64_t& bytes) {
  if (bus.is_bitstream_format() || bus.channels() < 1 || rate < 1) {
    return false;
  }
  frame_ring_descriptor_init(&to);
  to.kind = FRAME_RING_KIND_AUDIO;
  if (!captured.is_null()) {
    to.mono_ns = ToFrameRingTime(captured);
  } else {
    to.flags |= FRAME_RING_FLAG_ESTIMATED_TS;
  }
  constexpr uint8_t kFloat32 = 4;
  const auto frames = static_cast<uint32_t>(bus.frames());
  const uint32_t stride =
      (frames * sizeof(float) + kAlign - 1) / kAlign * kAlign;
  to.duration_ns = base::saturated_cast<uint32_t>(
      base::Seconds(1).InNanoseconds() * frames / rate);
  to.body.audio = {.sample = kFloat32,
                   .planar = 1,
                   .channels = base::saturated_cast<uint16_t>(bus.channels()),
                   .rate = static_cast<uint32_t>(rate),
                   .frames = frames,
                   .plane_stride = stride,
                   .position = position};
  bytes = uint64_t{stride} * static_cast<uint64_t>(bus.channels());
  return true;
}

void CopyAudio(const media::AudioBus& bus,
               const frame_ring_audio& description,
               base::span<uint8_t> to) {
  for (int channel = 0; channel < bus.channels(); ++channel) {
    const auto samples =
        base::as_bytes(base::allow_nonunique_obj, bus.channel(channel));
    to.subspan(description.plane_stride * static_cast<size_t>(channel),
               samples.size())
        .copy_from(samples);
  }
}

}  // namespace blink
