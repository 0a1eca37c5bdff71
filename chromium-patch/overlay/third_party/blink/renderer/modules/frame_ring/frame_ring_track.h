// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#ifndef THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_TRACK_H_
#define THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_TRACK_H_

#include <memory>

#include "base/functional/callback.h"
#include "base/memory/scoped_refptr.h"
#include "third_party/blink/renderer/modules/frame_ring/frame_ring_stream.h"
#include "third_party/blink/renderer/modules/mediastream/media_stream_track.h"
#include "third_party/blink/renderer/modules/modules_export.h"
#include "third_party/blink/renderer/platform/heap/garbage_collected.h"
#include "third_party/blink/renderer/platform/heap/member.h"
#include "third_party/blink/renderer/platform/heap/prefinalizer.h"

namespace blink {

class FrameRingAudioSink;
class FrameRingVideoSink;

// A media track that is attached to a stream: connects them, and tells the
// stream when the track is muted, unmuted or ended. Whoever wants frames keeps
// it alive.
class MODULES_EXPORT FrameRingTrack final
    : public GarbageCollected<FrameRingTrack>,
      public MediaStreamTrack::Observer {
  USING_PRE_FINALIZER(FrameRingTrack, Detach);

 public:
  // What a stream for `track` is to be told, where its owner tells nothing.
  static FrameRingStreamInfo InfoOf(const MediaStreamTrack& track);

  // Null if nothing can be had of the track: it has ended, or has no source.
  static FrameRingTrack* Attach(MediaStreamTrack* track,
                                scoped_refptr<FrameRingStream> stream);

  FrameRingTrack(MediaStreamTrack* track,
                 scoped_refptr<FrameRingStream> stream);
  ~FrameRingTrack() override;

  const FrameRingStream& stream() const { return *stream_; }
  bool attached() const { return video_sink_ || audio_sink_; }

  // Ends the stream; the media track goes on.
  void Detach();

  // MediaStreamTrack::Observer:
  void TrackChangedState() override;

  void Trace(Visitor* visitor) const override;

 private:
  const Member<MediaStreamTrack> track_;
  const scoped_refptr<FrameRingStream> stream_;
  std::unique_ptr<FrameRingVideoSink> video_sink_;
  std::unique_ptr<FrameRingAudioSink> audio_sink_;
  bool muted_;
};

}  // namespace blink

#endif  // THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_TRACK_H_
