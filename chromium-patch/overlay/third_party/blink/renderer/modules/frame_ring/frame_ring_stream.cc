// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "third_party/blink/renderer/modules/frame_ring/frame_ring_stream.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/compiler_specific.h"
#include "base/memory/ptr_util.h"
#include "base/strings/string_util.h"
#include "media/base/audio_bus.h"
#include "media/base/video_frame.h"
#include "third_party/blink/renderer/modules/frame_ring/frame_ring_format.h"

namespace blink {

namespace {

uint32_t ToSource(const String& source) {
  // In the order of their numbers.
  static constexpr std::array<std::string_view, 6> kSources = {
      "", "camera", "screen", "microphone", "mixed", "tab"};
  const auto found = std::ranges::find(kSources, source.Utf8());
  return found == kSources.end()
             ? 0
             : static_cast<uint32_t>(found - kSources.begin());
}

// What fits, filled up with zeros.
template <size_t N>
void PutText(const String& text, char (&to)[N]) {
  std::string fitting;
  base::TruncateUTF8ToByteSize(text.Utf8(), N, &fitting);
  base::span(to).first(fitting.size()).copy_from(base::span(fitting));
}

frame_ring_track_info ToTrackInfo(const FrameRingStreamInfo& info) {
  frame_ring_track_info track_info = {
      .size = sizeof(track_info),
      .kind = static_cast<uint32_t>(info.kind),
      .source = ToSource(info.source),
      .source_id = info.source_id,
  };
  PutText(info.label, track_info.label);
  PutText(info.participant, track_info.participant);
  return track_info;
}

base::span<uint8_t> ToSpan(const frame_ring_grant& grant) {
  // SAFETY: the core has handed out so many bytes of the mapping, which lives
  // as long as the `FrameRingMemory` that the caller holds.
  return UNSAFE_BUFFERS(
      base::span<uint8_t>(grant.data, static_cast<size_t>(grant.len)));
}

}  // namespace

// static
scoped_refptr<FrameRingStream> FrameRingStream::Open(
    scoped_refptr<FrameRingMemory> memory,
    const FrameRingStreamInfo& info) {
  auto stream =
      base::WrapRefCounted(new FrameRingStream(std::move(memory), info));
  base::AutoLock locked(stream->lock_);
  const frame_ring_track_info track_info = ToTrackInfo(info);
  if (frame_ring_core_track_open(stream->memory_->core(), &track_info,
                                 &stream->track_) != FRAME_RING_OK) {
    return nullptr;
  }
  stream->id_ = frame_ring_core_track_id(&stream->track_);
  frame_ring_descriptor_init(&stream->last_);
  stream->is_open_ = true;
  return stream;
}

FrameRingStream::FrameRingStream(scoped_refptr<FrameRingMemory> memory,
                                 const FrameRingStreamInfo& info)
    : memory_(std::move(memory)),
      kind_(info.kind),
      source_id_(info.source_id) {}

FrameRingStream::~FrameRingStream() {
  Close();
}

bool FrameRingStream::PutVideo(const media::VideoFrame& frame,
                               base::TimeTicks captured) {
  base::AutoLock locked(lock_);
  const base::TimeTicks now = base::TimeTicks::Now();
  if (!is_open_ || !IsWanted(now)) {
    return false;
  }
  frame_ring_descriptor descriptor;
  uint64_t bytes = 0;
  if (!frame.HasDirectCpuAccess() ||
      !DescribeVideo(frame, captured, descriptor, bytes)) {
    ++stats_.unreadable;
    return Drop();
  }
  return Put(FRAME_RING_CLASS_VIDEO, bytes, descriptor, now,
             [&](base::span<uint8_t> to) {
               CopyVideo(frame, descriptor.body.video, to);
             });
}

bool FrameRingStream::PutAudio(const media::AudioBus& bus,
                               int rate,
                               base::TimeTicks captured,
                               int64_t pts_ns) {
  base::AutoLock locked(lock_);
  const base::TimeTicks now = base::TimeTicks::Now();
  // What is not sent has been there all the same.
  const uint64_t position = position_;
  position_ += static_cast<uint64_t>(bus.frames());
  if (!is_open_ || !IsWanted(now)) {
    return false;
  }
  frame_ring_descriptor descriptor;
  uint64_t bytes = 0;
  if (!DescribeAudio(bus, rate, position, captured, descriptor, bytes)) {
    ++stats_.unreadable;
    return Drop();
  }
  descriptor.pts_ns = pts_ns;
  return Put(FRAME_RING_CLASS_AUDIO, bytes, descriptor, now,
             [&](base::span<uint8_t> to) {
               CopyAudio(bus, descriptor.body.audio, to);
             });
}

bool FrameRingStream::PutData(base::span<const uint8_t> data) {
  base::AutoLock locked(lock_);
  const base::TimeTicks now = base::TimeTicks::Now();
  if (!is_open_ || !IsWanted(now)) {
    return false;
  }
  frame_ring_descriptor descriptor;
  frame_ring_descriptor_init(&descriptor);
  return Put(FRAME_RING_CLASS_EVENT, data.size(), descriptor, now,
             [&](base::span<uint8_t> to) { to.copy_prefix_from(data); });
}

bool FrameRingStream::PutEvent(FrameRingEvent event) {
  base::AutoLock locked(lock_);
  if (!is_open_) {
    return false;
  }
  frame_ring_descriptor descriptor;
  frame_ring_descriptor_init(&descriptor);
  descriptor.kind = FRAME_RING_KIND_EVENT;
  descriptor.body.event = {.code = static_cast<uint32_t>(event),
                           .subject = source_id_};
  return Put(FRAME_RING_CLASS_EVENT, 0, descriptor, base::TimeTicks::Now(),
             [](base::span<uint8_t>) {});
}

void FrameRingStream::Close() {
  base::AutoLock locked(lock_);
  if (!is_open_) {
    return;
  }
  PutEnd(base::TimeTicks::Now());
  frame_ring_core_track_close(memory_->core(), &track_);
  is_open_ = false;
}

FrameRingStream::Stats FrameRingStream::stats() const {
  base::AutoLock locked(lock_);
  return stats_;
}

bool FrameRingStream::IsWanted(base::TimeTicks now) {
  frame_ring_demand demand = {};
  if (frame_ring_core_track_demand(memory_->core(), &track_,
                                   ToFrameRingTime(now),
                                   &demand) == FRAME_RING_OK &&
      demand.wanted != 0) {
    return true;
  }
  ++stats_.unwanted;
  frame_ring_core_track_unwanted(memory_->core(), &track_);
  return false;
}

template <typename Write>
bool FrameRingStream::Put(frame_ring_class frame_class,
                          uint64_t bytes,
                          frame_ring_descriptor& descriptor,
                          base::TimeTicks now,
                          Write write) {
  frame_ring_grant grant = {};
  if (frame_ring_core_claim(memory_->core(), bytes, frame_class, &grant) !=
      FRAME_RING_OK) {
    return Drop();
  }
  write(ToSpan(grant));
  descriptor.source = source_id_;
  frame_ring_wake wake = FRAME_RING_WAKE_NOBODY;
  const frame_ring_status committed =
      frame_ring_core_track_commit(memory_->core(), &track_, &grant, bytes,
                                   &descriptor, ToFrameRingTime(now), &wake);
  memory_->Wake(wake);
  if (committed != FRAME_RING_OK) {
    // The core has counted it as dropped, and has taken the grant back.
    ++stats_.dropped;
    return false;
  }
  ++stats_.frames;
  stats_.bytes += bytes;
  if (descriptor.kind != FRAME_RING_KIND_EVENT) {
    last_ = descriptor;
  }
  return true;
}

bool FrameRingStream::Drop() {
  ++stats_.dropped;
  frame_ring_core_track_dropped(memory_->core(), &track_);
  return false;
}

void FrameRingStream::PutEnd(base::TimeTicks now) {
  frame_ring_descriptor end = last_;
  if (end.kind == FRAME_RING_KIND_OPAQUE &&
      kind_ != FrameRingStreamInfo::Kind::kData) {
    // There was no frame that could have an end.
    return;
  }
  end.flags = FRAME_RING_FLAG_EOS | FRAME_RING_FLAG_ESTIMATED_TS;
  end.pts_ns = FRAME_RING_NO_TIME;
  end.mono_ns = ToFrameRingTime(now);
  end.duration_ns = 0;
  end.extensions_len = 0;
  if (end.kind == FRAME_RING_KIND_VIDEO) {
    end.body.video.plane_count = 0;
  } else if (end.kind == FRAME_RING_KIND_AUDIO) {
    end.body.audio.frames = 0;
    end.body.audio.plane_stride = 0;
    end.body.audio.position = position_;
  }
  Put(FRAME_RING_CLASS_EVENT, 0, end, now, [](base::span<uint8_t>) {});
}

}  // namespace blink
