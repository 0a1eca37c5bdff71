// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "third_party/blink/renderer/modules/frame_ring/frame_ring_audio_sink.h"

#include <utility>

#include "media/base/audio_bus.h"
#include "media/base/audio_parameters.h"
#include "third_party/blink/renderer/modules/frame_ring/frame_ring_stream.h"

namespace blink {

FrameRingAudioSink::FrameRingAudioSink(const WebMediaStreamTrack& track,
                                       scoped_refptr<FrameRingStream> stream)
    : track_(track), stream_(std::move(stream)) {
  AddToAudioTrack(this, track_);
}

FrameRingAudioSink::~FrameRingAudioSink() {
  // Waits for a block that is being delivered.
  RemoveFromAudioTrack(this, track_);
}

void FrameRingAudioSink::OnData(const media::AudioBus& bus,
                                base::TimeTicks estimated_capture_time) {
  stream_->PutAudio(bus, rate_, estimated_capture_time);
}

void FrameRingAudioSink::OnSetFormat(const media::AudioParameters& params) {
  rate_ = params.sample_rate();
}

}  // namespace blink
