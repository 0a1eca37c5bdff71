// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "third_party/blink/renderer/modules/frame_ring/frame_ring.h"

#include <limits>
#include <utility>

#include "media/base/audio_buffer.h"
#include "media/base/audio_bus.h"
#include "media/base/video_frame.h"
#include "third_party/blink/public/platform/browser_interface_broker_proxy.h"
#include "third_party/blink/public/platform/task_type.h"
#include "third_party/blink/renderer/bindings/modules/v8/v8_frame_ring_options.h"
#include "third_party/blink/renderer/bindings/modules/v8/v8_frame_ring_stream_options.h"
#include "third_party/blink/renderer/bindings/modules/v8/v8_frame_ring_stream_stats.h"
#include "third_party/blink/renderer/core/dom/dom_exception.h"
#include "third_party/blink/renderer/core/dom/quota_exceeded_error.h"
#include "third_party/blink/renderer/core/execution_context/execution_context.h"
#include "third_party/blink/renderer/modules/webcodecs/audio_data.h"
#include "third_party/blink/renderer/modules/webcodecs/video_frame.h"
#include "third_party/blink/renderer/platform/bindings/exception_state.h"
#include "third_party/blink/renderer/platform/bindings/script_state.h"
#include "third_party/blink/renderer/platform/wtf/functional.h"

namespace blink {

namespace {

// Ids of attached tracks begin here; those below are the script's own.
constexpr uint32_t kFirstAttachedId = 1u << 31;

// Whether a map may be asked for `id`: two numbers have a meaning of their own
// there.
bool IsStreamId(uint32_t id) {
  return id != 0 && id != std::numeric_limits<uint32_t>::max();
}

struct Refusal {
  DOMExceptionCode code;
  const char* message;
};

Refusal ToRefusal(mojom::blink::FrameRingError error) {
  switch (error) {
    case mojom::blink::FrameRingError::kNotEnabled:
      return {DOMExceptionCode::kNotAllowedError,
              "The browser was told of no consumer: start it with "
              "--enable-features=FrameRing and --frame-ring-socket."};
    case mojom::blink::FrameRingError::kOriginNotAllowed:
      return {DOMExceptionCode::kNotAllowedError,
              "This origin may have no ring: it is not among those of "
              "--frame-ring-allowed-origins."};
    case mojom::blink::FrameRingError::kUnavailable:
      return {DOMExceptionCode::kNetworkError,
              "The consumer does not listen, or did not answer in time."};
    case mojom::blink::FrameRingError::kRefused:
      return {DOMExceptionCode::kNetworkError,
              "The consumer has refused: it has another version or too many "
              "producers, or does not admit this user."};
    case mojom::blink::FrameRingError::kBadAnswer:
      return {DOMExceptionCode::kDataError,
              "What the consumer handed out is no ring whose size is sealed."};
  }
}

// The time of a frame's capture if it is known, else null.
base::TimeTicks CaptureTime(const media::VideoFrame& frame) {
  const media::VideoFrameMetadata& metadata = frame.metadata();
  return metadata.capture_begin_time.value_or(
      metadata.reference_time.value_or(base::TimeTicks()));
}

FrameRingStreamInfo ToInfo(const FrameRingStreamOptions& options,
                           FrameRingStreamInfo info) {
  if (!options.label().empty()) {
    info.label = options.label();
  }
  if (!options.source().empty()) {
    info.source = options.source();
  }
  info.source_id = options.sourceId();
  info.participant = options.participant();
  return info;
}

}  // namespace

// static
ScriptPromise<FrameRing> FrameRing::open(ScriptState* script_state,
                                         const FrameRingOptions* options,
                                         ExceptionState& exception_state) {
  if (!script_state->ContextIsValid()) {
    exception_state.ThrowDOMException(DOMExceptionCode::kInvalidStateError,
                                      "The context has been destroyed.");
    return EmptyPromise();
  }
  auto* opening = MakeGarbageCollected<ScriptPromiseResolver<FrameRing>>(
      script_state, exception_state.GetContext());
  auto promise = opening->Promise();
  auto* ring = MakeGarbageCollected<FrameRing>(script_state, opening);
  ring->Connect(options);
  return promise;
}

FrameRing::FrameRing(ScriptState* script_state,
                     ScriptPromiseResolver<FrameRing>* opening)
    : ExecutionContextLifecycleObserver(ExecutionContext::From(script_state)),
      opening_(opening),
      broker_(ExecutionContext::From(script_state)),
      last_attached_id_(kFirstAttachedId) {}

FrameRing::~FrameRing() = default;

void FrameRing::Connect(const FrameRingOptions* options) {
  ExecutionContext* context = GetExecutionContext();
  context->GetBrowserInterfaceBroker().GetInterface(
      broker_.BindNewPipeAndPassReceiver(
          context->GetTaskRunner(TaskType::kMiscPlatformAPI)));
  broker_.set_disconnect_handler(
      blink::BindOnce(&FrameRing::OnDisconnected, WrapWeakPersistent(this)));
  broker_->Open(options->name(),
                blink::BindOnce(&FrameRing::OnOpened, WrapPersistent(this),
                                options->minCapacity()));
}

void FrameRing::OnOpened(uint64_t least_capacity, OpenResult result) {
  ScriptPromiseResolver<FrameRing>* opening = opening_.Release();
  if (!opening) {
    return;
  }
  if (!result.has_value()) {
    close();
    const Refusal refusal = ToRefusal(result.error());
    opening->RejectWithDOMException(refusal.code, refusal.message);
    return;
  }
  memory_ = FrameRingMemory::Map(std::move(result.value()));
  if (!memory_) {
    close();
    opening->RejectWithDOMException(
        DOMExceptionCode::kDataError,
        "What the consumer handed out is no ring of this browser's version.");
    return;
  }
  if (capacity() < least_capacity) {
    close();
    QuotaExceededError::Reject(opening,
                               "The ring is smaller than options.minCapacity.");
    return;
  }
  opening->Resolve(this);
}

// The broker goes when the consumer has hung up, and when the browser ends.
void FrameRing::OnDisconnected() {
  close();
  if (auto* opening = opening_.Release()) {
    opening->RejectWithDOMException(
        DOMExceptionCode::kNetworkError,
        "The browser can hand out no ring here any more.");
  }
}

uint32_t FrameRing::attach(MediaStreamTrack* track,
                           const FrameRingStreamOptions* options,
                           ExceptionState& exception_state) {
  if (track->Ended()) {
    exception_state.ThrowDOMException(DOMExceptionCode::kInvalidStateError,
                                      "The track has ended.");
    return 0;
  }
  auto stream = OpenStream(ToInfo(*options, FrameRingTrack::InfoOf(*track)),
                           exception_state);
  if (!stream) {
    return 0;
  }
  FrameRingTrack* attached = FrameRingTrack::Attach(track, std::move(stream));
  if (!attached) {
    exception_state.ThrowDOMException(DOMExceptionCode::kInvalidStateError,
                                      "The track has no source in this page.");
    return 0;
  }
  tracks_.Set(++last_attached_id_, attached);
  keep_alive_ = this;
  return last_attached_id_;
}

void FrameRing::detach(uint32_t stream_id) {
  if (!IsStreamId(stream_id)) {
    return;
  }
  if (auto it = tracks_.find(stream_id); it != tracks_.end()) {
    it->value->Detach();
    tracks_.erase(it);
    if (tracks_.empty()) {
      keep_alive_.Clear();
    }
  } else if (auto own = streams_.find(stream_id); own != streams_.end()) {
    own->value->Close();
    streams_.erase(own);
  }
}

bool FrameRing::write(uint32_t stream_id,
                      VideoFrame* data,
                      const FrameRingStreamOptions* options,
                      ExceptionState& exception_state) {
  const scoped_refptr<media::VideoFrame> frame = data->frame();
  if (!frame) {
    exception_state.ThrowDOMException(DOMExceptionCode::kInvalidStateError,
                                      "The VideoFrame is closed.");
    return false;
  }
  FrameRingStream* stream = StreamToWrite(
      stream_id, FrameRingStreamInfo::Kind::kVideo, options, exception_state);
  return stream && stream->PutVideo(*frame, CaptureTime(*frame));
}

bool FrameRing::write(uint32_t stream_id,
                      AudioData* data,
                      const FrameRingStreamOptions* options,
                      ExceptionState& exception_state) {
  const scoped_refptr<media::AudioBuffer> buffer = data->data();
  if (!buffer) {
    exception_state.ThrowDOMException(DOMExceptionCode::kInvalidStateError,
                                      "The AudioData is closed.");
    return false;
  }
  FrameRingStream* stream = StreamToWrite(
      stream_id, FrameRingStreamInfo::Kind::kAudio, options, exception_state);
  if (!stream) {
    return false;
  }
  const auto bus = media::AudioBuffer::WrapOrCopyToAudioBus(buffer);
  return stream->PutAudio(*bus, buffer->sample_rate(), base::TimeTicks(),
                          buffer->timestamp().InNanoseconds());
}

bool FrameRing::write(uint32_t stream_id,
                      const AllowSharedBufferSource* data,
                      const FrameRingStreamOptions* options,
                      ExceptionState& exception_state) {
  FrameRingStream* stream = StreamToWrite(
      stream_id, FrameRingStreamInfo::Kind::kData, options, exception_state);
  return stream && stream->PutData(AsSpan<const uint8_t>(data));
}

FrameRingStream* FrameRing::StreamToWrite(uint32_t stream_id,
                                          FrameRingStreamInfo::Kind kind,
                                          const FrameRingStreamOptions* options,
                                          ExceptionState& exception_state) {
  if (stream_id == 0 || stream_id >= kFirstAttachedId) {
    exception_state.ThrowTypeError(
        "Ids of streams to write to are 1 to 2147483647.");
    return nullptr;
  }
  if (auto it = streams_.find(stream_id); it != streams_.end()) {
    if (it->value->kind() == kind) {
      return it->value.get();
    }
    exception_state.ThrowTypeError(
        "A stream carries either pictures, or sound, or other data.");
    return nullptr;
  }
  auto stream = OpenStream(ToInfo(*options, {.kind = kind}), exception_state);
  if (!stream) {
    return nullptr;
  }
  return streams_.Set(stream_id, std::move(stream)).stored_value->value.get();
}

scoped_refptr<FrameRingStream> FrameRing::OpenStream(
    const FrameRingStreamInfo& info,
    ExceptionState& exception_state) {
  if (closed()) {
    exception_state.ThrowDOMException(DOMExceptionCode::kInvalidStateError,
                                      "The ring is closed.");
    return nullptr;
  }
  auto stream = FrameRingStream::Open(memory_, info);
  if (!stream) {
    QuotaExceededError::Throw(exception_state,
                              "The ring has no room for more streams.");
  }
  return stream;
}

FrameRingStreamStats* FrameRing::getStats(
    uint32_t stream_id,
    ExceptionState& exception_state) const {
  const FrameRingStream* stream = nullptr;
  if (IsStreamId(stream_id)) {
    if (auto it = tracks_.find(stream_id); it != tracks_.end()) {
      stream = &it->value->stream();
    } else if (auto own = streams_.find(stream_id); own != streams_.end()) {
      stream = own->value.get();
    }
  }
  if (!stream) {
    exception_state.ThrowDOMException(DOMExceptionCode::kNotFoundError,
                                      "There is no stream of this id.");
    return nullptr;
  }
  const FrameRingStream::Stats stats = stream->stats();
  auto* result = FrameRingStreamStats::Create();
  result->setFrames(stats.frames);
  result->setBytes(stats.bytes);
  result->setDropped(stats.dropped);
  result->setUnreadable(stats.unreadable);
  result->setUnwanted(stats.unwanted);
  return result;
}

uint64_t FrameRing::capacity() const {
  return memory_ ? memory_->longest() : 0;
}

uint64_t FrameRing::framesWritten() const {
  return memory_ ? memory_->counters().frames : last_counters_.frames;
}

uint64_t FrameRing::framesDropped() const {
  const frame_ring_counters counters =
      memory_ ? memory_->counters() : last_counters_;
  return counters.full_bytes + counters.full_slots + counters.too_long;
}

uint64_t FrameRing::bytesWritten() const {
  return memory_ ? memory_->counters().bytes : last_counters_.bytes;
}

bool FrameRing::closed() const {
  return !memory_ || memory_->closed();
}

void FrameRing::close() {
  for (auto& track : tracks_.Values()) {
    track->Detach();
  }
  tracks_.clear();
  for (auto& stream : streams_.Values()) {
    stream->Close();
  }
  streams_.clear();
  if (memory_) {
    last_counters_ = memory_->counters();
    memory_.reset();
  }
  // The browser hangs up then, which is how the consumer hears of it.
  broker_.reset();
  keep_alive_.Clear();
}

void FrameRing::ContextDestroyed() {
  opening_ = nullptr;
  close();
}

void FrameRing::Trace(Visitor* visitor) const {
  visitor->Trace(opening_);
  visitor->Trace(broker_);
  visitor->Trace(tracks_);
  ScriptWrappable::Trace(visitor);
  ExecutionContextLifecycleObserver::Trace(visitor);
}

}  // namespace blink
