// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#ifndef THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_MEMORY_H_
#define THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_MEMORY_H_

#include <stdint.h>

#include "base/containers/span.h"
#include "base/files/scoped_file.h"
#include "base/memory/raw_span.h"
#include "base/memory/scoped_refptr.h"
#include "base/time/time.h"
#include "third_party/blink/public/mojom/frame_ring/frame_ring.mojom-blink-forward.h"
#include "third_party/blink/renderer/modules/modules_export.h"
#include "third_party/blink/renderer/platform/wtf/thread_safe_ref_counted.h"
#include "third_party/frame_ring/include/frame_ring.h"

namespace blink {

// `time` on the clock of all processes of this machine, in nanoseconds.
inline uint64_t ToFrameRingTime(base::TimeTicks time) {
  return static_cast<uint64_t>((time - base::TimeTicks()).InNanoseconds());
}

// A ring that is mapped, as one of its producers: the mapping, the core's view
// of it, and the doorbell. Any thread may use it; it goes with its last user.
//
// All that it does while frames flow is what the sandbox lets a renderer do:
// atomics and copies, and, when the consumer sleeps, FUTEX_WAKE or a write of 8
// bytes.
class MODULES_EXPORT FrameRingMemory final
    : public ThreadSafeRefCounted<FrameRingMemory> {
 public:
  // Maps the ring. Null if this is none, or none of this version.
  static scoped_refptr<FrameRingMemory> Map(
      mojom::blink::FrameRingHandlesPtr handles);
  static scoped_refptr<FrameRingMemory> Map(base::ScopedFD memory,
                                            uint64_t size,
                                            base::ScopedFD doorbell,
                                            uint8_t producer);

  FrameRingMemory(const FrameRingMemory&) = delete;
  FrameRingMemory& operator=(const FrameRingMemory&) = delete;

  // For the functions `frame_ring_core_...`.
  const frame_ring_core* core() const { return &core_; }

  // Whether the consumer has left in good order.
  bool closed() const { return frame_ring_core_closed(&core_) != 0; }
  // Bytes of the longest picture.
  uint64_t longest() const;
  frame_ring_counters counters() const;

  // Wakes the consumer, if a commit or an abort has said so.
  void Wake(frame_ring_wake wake) const;

 private:
  friend class ThreadSafeRefCounted<FrameRingMemory>;
  friend struct DefaultThreadSafeRefCountedTraits<FrameRingMemory>;

  FrameRingMemory(base::span<uint8_t> mapping, base::ScopedFD doorbell);
  ~FrameRingMemory();

  const base::raw_span<uint8_t, DanglingUntriaged> mapping_;
  const base::ScopedFD doorbell_;
  frame_ring_core core_ = {};
};

}  // namespace blink

#endif  // THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_MEMORY_H_
