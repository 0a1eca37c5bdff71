// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#ifndef THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_STREAM_H_
#define THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_STREAM_H_

#include <stdint.h>

#include "base/containers/span.h"
#include "base/memory/scoped_refptr.h"
#include "base/synchronization/lock.h"
#include "base/thread_annotations.h"
#include "base/time/time.h"
#include "third_party/blink/renderer/modules/frame_ring/frame_ring_memory.h"
#include "third_party/blink/renderer/modules/modules_export.h"
#include "third_party/blink/renderer/platform/wtf/text/wtf_string.h"
#include "third_party/blink/renderer/platform/wtf/thread_safe_ref_counted.h"
#include "third_party/frame_ring/include/frame_ring.h"

namespace media {
class AudioBus;
class VideoFrame;
}  // namespace media

namespace blink {

// What is told of a stream.
struct FrameRingStreamInfo {
  enum class Kind : uint32_t { kData = 0, kVideo = 1, kAudio = 2 };

  Kind kind = Kind::kData;
  String label;
  // "camera", "screen", "microphone", "mixed", "tab", or nothing.
  String source;
  uint32_t source_id = 0;
  String participant;
};

// What happened to a stream, beside its frames: the codes of its events.
enum class FrameRingEvent : uint32_t {
  kMuted = 1,
  kUnmuted = 2,
};

// A track of a ring: puts frames into it, one after the other. Never waits for
// the consumer, allocates nothing.
//
// Thread-safe: frames come on the thread that delivers them, while the main
// thread may close the stream or tell of events. The lock is free but for that.
class MODULES_EXPORT FrameRingStream final
    : public ThreadSafeRefCounted<FrameRingStream> {
 public:
  struct Stats {
    uint64_t frames = 0;
    uint64_t bytes = 0;
    uint64_t dropped = 0;
    uint64_t unreadable = 0;
    uint64_t unwanted = 0;
  };

  // Null if the ring has no room for another track, or its consumer is gone.
  static scoped_refptr<FrameRingStream> Open(
      scoped_refptr<FrameRingMemory> memory,
      const FrameRingStreamInfo& info);

  FrameRingStream(const FrameRingStream&) = delete;
  FrameRingStream& operator=(const FrameRingStream&) = delete;

  // The track's id, as the consumer sees it.
  uint32_t id() const { return id_; }
  FrameRingStreamInfo::Kind kind() const { return kind_; }

  // Each puts one frame into the ring. False if it was dropped, which is
  // counted, or if it is not wanted, or if the stream is closed.
  //
  // A picture that the CPU cannot read is dropped: reading it back from the GPU
  // is nothing to do on the thread that delivers all frames.
  bool PutVideo(const media::VideoFrame& frame, base::TimeTicks captured);
  bool PutAudio(const media::AudioBus& bus,
                int rate,
                base::TimeTicks captured,
                int64_t pts_ns = FRAME_RING_NO_TIME);
  bool PutData(base::span<const uint8_t> data);
  bool PutEvent(FrameRingEvent event);

  // Tells the consumer of the end by a last frame without content, and ends the
  // track. Frames that still come are let go.
  void Close();

  Stats stats() const;

 private:
  friend class ThreadSafeRefCounted<FrameRingStream>;
  friend struct DefaultThreadSafeRefCountedTraits<FrameRingStream>;

  FrameRingStream(scoped_refptr<FrameRingMemory> memory,
                  const FrameRingStreamInfo& info);
  ~FrameRingStream();

  // Whether the consumer wants a frame now; counts it if not.
  bool IsWanted(base::TimeTicks now) EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // Claims bytes, has them written, and commits them as the next frame.
  template <typename Write>
  bool Put(frame_ring_class frame_class,
           uint64_t bytes,
           frame_ring_descriptor& descriptor,
           base::TimeTicks now,
           Write write) EXCLUSIVE_LOCKS_REQUIRED(lock_);
  bool Drop() EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void PutEnd(base::TimeTicks now) EXCLUSIVE_LOCKS_REQUIRED(lock_);

  const scoped_refptr<FrameRingMemory> memory_;
  const FrameRingStreamInfo::Kind kind_;
  const uint32_t source_id_;
  uint32_t id_ = 0;

  mutable base::Lock lock_;
  bool is_open_ GUARDED_BY(lock_) = false;
  frame_ring_track track_ GUARDED_BY(lock_) = {};
  // The last frame's, for the one that tells of the end.
  frame_ring_descriptor last_ GUARDED_BY(lock_) = {};
  // Sample frames so far.
  uint64_t position_ GUARDED_BY(lock_) = 0;
  Stats stats_ GUARDED_BY(lock_);
};

}  // namespace blink

#endif  // THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_STREAM_H_
