// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#ifndef THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_H_
#define THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_H_

#include <stdint.h>

#include "base/memory/scoped_refptr.h"
#include "base/types/expected.h"
#include "third_party/blink/public/mojom/frame_ring/frame_ring.mojom-blink.h"
#include "third_party/blink/renderer/bindings/core/v8/script_promise.h"
#include "third_party/blink/renderer/bindings/core/v8/script_promise_resolver.h"
#include "third_party/blink/renderer/core/execution_context/execution_context_lifecycle_observer.h"
#include "third_party/blink/renderer/modules/frame_ring/frame_ring_memory.h"
#include "third_party/blink/renderer/modules/frame_ring/frame_ring_stream.h"
#include "third_party/blink/renderer/modules/frame_ring/frame_ring_track.h"
#include "third_party/blink/renderer/modules/modules_export.h"
#include "third_party/blink/renderer/modules/webcodecs/array_buffer_util.h"
#include "third_party/blink/renderer/platform/bindings/script_wrappable.h"
#include "third_party/blink/renderer/platform/heap/collection_support/heap_hash_map.h"
#include "third_party/blink/renderer/platform/heap/self_keep_alive.h"
#include "third_party/blink/renderer/platform/mojo/heap_mojo_remote.h"
#include "third_party/blink/renderer/platform/wtf/hash_map.h"

namespace blink {

class AudioData;
class ExceptionState;
class FrameRingOptions;
class FrameRingStreamOptions;
class FrameRingStreamStats;
class MediaStreamTrack;
class ScriptState;
class VideoFrame;

// A ring as scripts see it. Owns the streams that they have begun and the pipe
// to the broker, whose end is the ring's; the rest is done by `FrameRingStream`
// and what it stands on.
class MODULES_EXPORT FrameRing final
    : public ScriptWrappable,
      public ExecutionContextLifecycleObserver {
  DEFINE_WRAPPERTYPEINFO();

 public:
  // IDL interface.
  static ScriptPromise<FrameRing> open(ScriptState* script_state,
                                       const FrameRingOptions* options,
                                       ExceptionState& exception_state);
  uint32_t attach(MediaStreamTrack* track,
                  const FrameRingStreamOptions* options,
                  ExceptionState& exception_state);
  void detach(uint32_t stream_id);
  bool write(uint32_t stream_id,
             VideoFrame* data,
             const FrameRingStreamOptions* options,
             ExceptionState& exception_state);
  bool write(uint32_t stream_id,
             AudioData* data,
             const FrameRingStreamOptions* options,
             ExceptionState& exception_state);
  bool write(uint32_t stream_id,
             const AllowSharedBufferSource* data,
             const FrameRingStreamOptions* options,
             ExceptionState& exception_state);
  FrameRingStreamStats* getStats(uint32_t stream_id,
                                 ExceptionState& exception_state) const;
  uint64_t capacity() const;
  uint64_t framesWritten() const;
  uint64_t framesDropped() const;
  uint64_t bytesWritten() const;
  bool closed() const;
  void close();

  FrameRing(ScriptState* script_state,
            ScriptPromiseResolver<FrameRing>* opening);
  ~FrameRing() override;

  // ExecutionContextLifecycleObserver:
  void ContextDestroyed() override;

  void Trace(Visitor* visitor) const override;

 private:
  using OpenResult = base::expected<mojom::blink::FrameRingHandlesPtr,
                                    mojom::blink::FrameRingError>;

  void Connect(const FrameRingOptions* options);
  void OnOpened(uint64_t least_capacity, OpenResult result);
  void OnDisconnected();

  // The script's own stream of this id; begins it if there is none. Null, with
  // an exception, if that cannot be.
  FrameRingStream* StreamToWrite(uint32_t stream_id,
                                 FrameRingStreamInfo::Kind kind,
                                 const FrameRingStreamOptions* options,
                                 ExceptionState& exception_state);
  scoped_refptr<FrameRingStream> OpenStream(const FrameRingStreamInfo& info,
                                            ExceptionState& exception_state);

  // While tracks are attached: frames flow although no script holds the ring.
  // (Not an ActiveScriptWrappable, whose list of friends is in a header of
  // core.)
  SelfKeepAlive<FrameRing> keep_alive_;
  Member<ScriptPromiseResolver<FrameRing>> opening_;
  HeapMojoRemote<mojom::blink::FrameRingBroker> broker_;
  // Null before it is open, and again when it is closed.
  scoped_refptr<FrameRingMemory> memory_;
  // What was counted when it was closed.
  frame_ring_counters last_counters_ = {};

  HeapHashMap<uint32_t, Member<FrameRingTrack>> tracks_;
  HashMap<uint32_t, scoped_refptr<FrameRingStream>> streams_;
  uint32_t last_attached_id_;
};

}  // namespace blink

#endif  // THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_H_
