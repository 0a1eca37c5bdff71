// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#ifndef THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_VIDEO_SINK_H_
#define THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_VIDEO_SINK_H_

#include "base/memory/scoped_refptr.h"
#include "third_party/blink/public/platform/modules/mediastream/web_media_stream_track.h"
#include "third_party/blink/public/web/modules/mediastream/media_stream_video_sink.h"

namespace blink {

class FrameRingStream;

// Puts each picture of a track into a stream, on the thread that delivers it.
// Lives on the main thread; the stream may get a last picture after its end.
class FrameRingVideoSink final : public MediaStreamVideoSink {
 public:
  FrameRingVideoSink(const WebMediaStreamTrack& track,
                     scoped_refptr<FrameRingStream> stream);
  ~FrameRingVideoSink() override;
};

}  // namespace blink

#endif  // THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_VIDEO_SINK_H_
