// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#ifndef THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_AUTO_ATTACH_H_
#define THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_AUTO_ATTACH_H_

#include "base/memory/scoped_refptr.h"
#include "base/types/expected.h"
#include "third_party/blink/public/mojom/frame_ring/frame_ring.mojom-blink.h"
#include "third_party/blink/renderer/core/execution_context/execution_context_lifecycle_observer.h"
#include "third_party/blink/renderer/modules/frame_ring/frame_ring_memory.h"
#include "third_party/blink/renderer/modules/frame_ring/frame_ring_track.h"
#include "third_party/blink/renderer/modules/mediastream/media_stream.h"
#include "third_party/blink/renderer/modules/mediastream/media_stream_track.h"
#include "third_party/blink/renderer/modules/modules_export.h"
#include "third_party/blink/renderer/platform/heap/collection_support/heap_hash_map.h"
#include "third_party/blink/renderer/platform/heap/garbage_collected.h"
#include "third_party/blink/renderer/platform/mojo/heap_mojo_remote.h"
#include "third_party/blink/renderer/platform/supplementable.h"
#include "third_party/blink/renderer/platform/timer.h"

namespace blink {

class ExecutionContext;
class LocalDOMWindow;

// Puts all remote tracks of a document into a ring, if the browser was started
// to do so; the page knows nothing of it. Asks the broker at the first track.
// When the consumer goes, it asks again each second, and attaches the tracks
// that are there to its successor.
class MODULES_EXPORT FrameRingAutoAttach final
    : public GarbageCollected<FrameRingAutoAttach>,
      public Supplement<LocalDOMWindow>,
      public ExecutionContextLifecycleObserver {
 public:
  static const char kSupplementName[];

  // A remote track has come, or has come back. Its streams tell whose it is.
  static void OnRemoteTrack(ExecutionContext* context,
                            MediaStreamTrack* track,
                            const MediaStreamVector& streams);

  explicit FrameRingAutoAttach(LocalDOMWindow& window);

  // ExecutionContextLifecycleObserver:
  void ContextDestroyed() override;

  void Trace(Visitor* visitor) const override;

 private:
  using OpenResult = base::expected<mojom::blink::FrameRingHandlesPtr,
                                    mojom::blink::FrameRingError>;

  // A remote track and where it goes; nowhere while there is no ring.
  struct Remote final : public GarbageCollected<Remote> {
    explicit Remote(const String& participant) : participant(participant) {}
    void Trace(Visitor* visitor) const { visitor->Trace(attached); }

    const String participant;
    Member<FrameRingTrack> attached;
  };

  void Add(MediaStreamTrack* track, const String& participant);
  void Attach(MediaStreamTrack* track, Remote& remote);
  void DetachAll();

  void Ask();
  void OnAnswer(OpenResult result);
  void OnDisconnected();
  void AskAgain(TimerBase*);

  HeapMojoRemote<mojom::blink::FrameRingBroker> broker_;
  HeapTaskRunnerTimer<FrameRingAutoAttach> timer_;
  // Null while there is no ring.
  scoped_refptr<FrameRingMemory> memory_;
  // The browser has said that there never will be one.
  bool refused_ = false;
  HeapHashMap<WeakMember<MediaStreamTrack>, Member<Remote>> remotes_;
};

}  // namespace blink

#endif  // THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_AUTO_ATTACH_H_
