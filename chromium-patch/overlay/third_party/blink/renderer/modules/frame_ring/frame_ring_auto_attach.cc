// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "third_party/blink/renderer/modules/frame_ring/frame_ring_auto_attach.h"

#include <utility>

#include "base/feature_list.h"
#include "third_party/blink/public/common/features_generated.h"
#include "third_party/blink/public/platform/browser_interface_broker_proxy.h"
#include "third_party/blink/public/platform/task_type.h"
#include "third_party/blink/renderer/core/frame/local_dom_window.h"
#include "third_party/blink/renderer/modules/frame_ring/frame_ring_stream.h"
#include "third_party/blink/renderer/platform/wtf/functional.h"

namespace blink {

namespace {

constexpr base::TimeDelta kBetweenAttempts = base::Seconds(1);

}  // namespace

// static
const char FrameRingAutoAttach::kSupplementName[] = "FrameRingAutoAttach";

// static
void FrameRingAutoAttach::OnRemoteTrack(ExecutionContext* context,
                                        MediaStreamTrack* track,
                                        const MediaStreamVector& streams) {
  auto* window = DynamicTo<LocalDOMWindow>(context);
  if (!base::FeatureList::IsEnabled(features::kFrameRing) || !window ||
      !window->IsSecureContext()) {
    return;
  }
  auto* self = Supplement<LocalDOMWindow>::From<FrameRingAutoAttach>(*window);
  if (!self) {
    self = MakeGarbageCollected<FrameRingAutoAttach>(*window);
    ProvideTo(*window, self);
  }
  self->Add(track, streams.empty() ? String() : streams.front()->id());
}

FrameRingAutoAttach::FrameRingAutoAttach(LocalDOMWindow& window)
    : Supplement<LocalDOMWindow>(window),
      ExecutionContextLifecycleObserver(&window),
      broker_(&window),
      timer_(window.GetTaskRunner(TaskType::kMiscPlatformAPI),
             this,
             &FrameRingAutoAttach::AskAgain) {}

void FrameRingAutoAttach::Add(MediaStreamTrack* track,
                              const String& participant) {
  if (refused_ || remotes_.Contains(track)) {
    return;
  }
  auto* remote = MakeGarbageCollected<Remote>(participant);
  remotes_.insert(track, remote);
  if (memory_) {
    Attach(track, *remote);
  } else if (!broker_.is_bound() && !timer_.IsActive()) {
    Ask();
  }
}

void FrameRingAutoAttach::Attach(MediaStreamTrack* track, Remote& remote) {
  if (track->Ended()) {
    return;
  }
  FrameRingStreamInfo info = FrameRingTrack::InfoOf(*track);
  info.participant = remote.participant;
  // If the ring has no room for another track, the next ring is tried.
  if (auto stream = FrameRingStream::Open(memory_, info)) {
    remote.attached = FrameRingTrack::Attach(track, std::move(stream));
  }
}

void FrameRingAutoAttach::DetachAll() {
  for (auto& remote : remotes_.Values()) {
    if (FrameRingTrack* attached = remote->attached.Release()) {
      attached->Detach();
    }
  }
  memory_.reset();
  broker_.reset();
}

void FrameRingAutoAttach::Ask() {
  ExecutionContext* context = GetExecutionContext();
  context->GetBrowserInterfaceBroker().GetInterface(
      broker_.BindNewPipeAndPassReceiver(
          context->GetTaskRunner(TaskType::kMiscPlatformAPI)));
  broker_.set_disconnect_handler(blink::BindOnce(
      &FrameRingAutoAttach::OnDisconnected, WrapWeakPersistent(this)));
  broker_->OpenForRemoteTracks(blink::BindOnce(&FrameRingAutoAttach::OnAnswer,
                                               WrapWeakPersistent(this)));
}

void FrameRingAutoAttach::OnAnswer(OpenResult result) {
  if (result.has_value()) {
    memory_ = FrameRingMemory::Map(std::move(result.value()));
  }
  if (!memory_) {
    refused_ =
        !result.has_value() &&
        (result.error() == mojom::blink::FrameRingError::kNotEnabled ||
         result.error() == mojom::blink::FrameRingError::kOriginNotAllowed);
    OnDisconnected();
    return;
  }
  for (auto& [track, remote] : remotes_) {
    Attach(track.Get(), *remote);
  }
}

void FrameRingAutoAttach::OnDisconnected() {
  DetachAll();
  if (refused_) {
    remotes_.clear();
  } else if (GetExecutionContext()) {
    timer_.StartOneShot(kBetweenAttempts, FROM_HERE);
  }
}

void FrameRingAutoAttach::AskAgain(TimerBase*) {
  Ask();
}

void FrameRingAutoAttach::ContextDestroyed() {
  timer_.Stop();
  DetachAll();
  remotes_.clear();
}

void FrameRingAutoAttach::Trace(Visitor* visitor) const {
  visitor->Trace(broker_);
  visitor->Trace(timer_);
  visitor->Trace(remotes_);
  Supplement<LocalDOMWindow>::Trace(visitor);
  ExecutionContextLifecycleObserver::Trace(visitor);
}

}  // namespace blink
