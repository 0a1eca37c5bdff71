// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "third_party/blink/renderer/modules/frame_ring/frame_ring_track.h"

#include <utility>

#include "third_party/blink/public/platform/modules/mediastream/web_media_stream_track.h"
#include "third_party/blink/renderer/modules/frame_ring/frame_ring_audio_sink.h"
#include "third_party/blink/renderer/modules/frame_ring/frame_ring_video_sink.h"
#include "third_party/blink/renderer/modules/mediastream/media_stream_video_track.h"
#include "third_party/blink/renderer/platform/mediastream/media_stream_audio_track.h"
#include "third_party/blink/renderer/platform/mediastream/media_stream_component.h"

namespace blink {

namespace {

bool IsVideo(const MediaStreamTrack& track) {
  return track.Component()->GetSourceType() == MediaStreamSource::kTypeVideo;
}

}  // namespace

// static
FrameRingStreamInfo FrameRingTrack::InfoOf(const MediaStreamTrack& track) {
  const bool is_video = IsVideo(track);
  return {
      .kind = is_video ? FrameRingStreamInfo::Kind::kVideo
                       : FrameRingStreamInfo::Kind::kAudio,
      .label = track.label(),
      .source = is_video ? "camera" : "microphone",
  };
}

// static
FrameRingTrack* FrameRingTrack::Attach(MediaStreamTrack* track,
                                       scoped_refptr<FrameRingStream> stream) {
  const MediaStreamComponent* component = track->Component();
  const bool has_source =
      IsVideo(*track) ? MediaStreamVideoTrack::From(component) != nullptr
                      : MediaStreamAudioTrack::From(component) != nullptr;
  if (track->Ended() || !has_source) {
    return nullptr;
  }
  auto* attached =
      MakeGarbageCollected<FrameRingTrack>(track, std::move(stream));
  track->AddObserver(attached);
  return attached;
}

FrameRingTrack::FrameRingTrack(MediaStreamTrack* track,
                               scoped_refptr<FrameRingStream> stream)
    : track_(track), stream_(std::move(stream)), muted_(track->muted()) {
  const WebMediaStreamTrack web_track(track->Component());
  if (IsVideo(*track)) {
    video_sink_ = std::make_unique<FrameRingVideoSink>(web_track, stream_);
  } else {
    audio_sink_ = std::make_unique<FrameRingAudioSink>(web_track, stream_);
  }
}

FrameRingTrack::~FrameRingTrack() = default;

void FrameRingTrack::Detach() {
  video_sink_.reset();
  audio_sink_.reset();
  stream_->Close();
}

void FrameRingTrack::TrackChangedState() {
  if (!attached()) {
    return;
  }
  const MediaStreamSource::ReadyState state = track_->GetReadyState();
  if (state == MediaStreamSource::kReadyStateEnded) {
    Detach();
    return;
  }
  const bool muted = state == MediaStreamSource::kReadyStateMuted;
  if (std::exchange(muted_, muted) != muted) {
    stream_->PutEvent(muted ? FrameRingEvent::kMuted
                            : FrameRingEvent::kUnmuted);
  }
}

void FrameRingTrack::Trace(Visitor* visitor) const {
  visitor->Trace(track_);
  MediaStreamTrack::Observer::Trace(visitor);
}

}  // namespace blink
