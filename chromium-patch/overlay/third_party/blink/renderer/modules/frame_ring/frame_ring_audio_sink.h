// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#ifndef THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_AUDIO_SINK_H_
#define THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_AUDIO_SINK_H_

#include "base/memory/scoped_refptr.h"
#include "third_party/blink/public/platform/modules/mediastream/web_media_stream_audio_sink.h"
#include "third_party/blink/public/platform/modules/mediastream/web_media_stream_track.h"

namespace blink {

class FrameRingStream;

// Puts each block of a track into a stream, on the real-time audio thread.
// Lives on the main thread; nothing comes any more after its end.
class FrameRingAudioSink final : public WebMediaStreamAudioSink {
 public:
  FrameRingAudioSink(const WebMediaStreamTrack& track,
                     scoped_refptr<FrameRingStream> stream);
  ~FrameRingAudioSink() override;

  // WebMediaStreamAudioSink:
  void OnData(const media::AudioBus& bus,
              base::TimeTicks estimated_capture_time) override;
  void OnSetFormat(const media::AudioParameters& params) override;

 private:
  const WebMediaStreamTrack track_;
  const scoped_refptr<FrameRingStream> stream_;
  // Of the audio thread alone.
  int rate_ = 0;
};

}  // namespace blink

#endif  // THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_AUDIO_SINK_H_
