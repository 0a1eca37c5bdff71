// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "third_party/blink/renderer/modules/frame_ring/frame_ring_video_sink.h"

#include <utility>

#include "media/base/video_frame.h"
#include "third_party/blink/renderer/modules/frame_ring/frame_ring_stream.h"
#include "third_party/blink/renderer/platform/wtf/cross_thread_functional.h"
#include "third_party/blink/renderer/platform/wtf/functional.h"

namespace blink {

namespace {

void OnFrame(const scoped_refptr<FrameRingStream>& stream,
             scoped_refptr<media::VideoFrame> frame,
             base::TimeTicks estimated_capture_time) {
  stream->PutVideo(*frame, estimated_capture_time);
}

}  // namespace

FrameRingVideoSink::FrameRingVideoSink(const WebMediaStreamTrack& track,
                                       scoped_refptr<FrameRingStream> stream) {
  ConnectToTrack(track,
                 ConvertToBaseRepeatingCallback(
                     CrossThreadBindRepeating(&OnFrame, std::move(stream))),
                 IsSecure::kNo, UsesAlpha::kDefault);
}

FrameRingVideoSink::~FrameRingVideoSink() {
  DisconnectFromTrack();
}

}  // namespace blink
