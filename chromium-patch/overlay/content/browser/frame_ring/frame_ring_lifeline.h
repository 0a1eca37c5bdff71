// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#ifndef CONTENT_BROWSER_FRAME_RING_FRAME_RING_LIFELINE_H_
#define CONTENT_BROWSER_FRAME_RING_FRAME_RING_LIFELINE_H_

#include <memory>

#include "base/files/file_descriptor_watcher_posix.h"
#include "base/files/scoped_file.h"
#include "base/functional/callback.h"

namespace content {

// A producer's connection to its consumer: as long as it is there, the producer
// lives. Watches for the consumer's hanging up; after the hand-over neither
// side says anything any more.
//
// Lives on a sequence of the thread pool.
class FrameRingLifeline {
 public:
  FrameRingLifeline(base::ScopedFD socket, base::OnceClosure consumer_gone);
  FrameRingLifeline(const FrameRingLifeline&) = delete;
  FrameRingLifeline& operator=(const FrameRingLifeline&) = delete;
  ~FrameRingLifeline();

 private:
  void OnReadable();

  const base::ScopedFD socket_;
  base::OnceClosure consumer_gone_;
  std::unique_ptr<base::FileDescriptorWatcher::Controller> watcher_;
};

}  // namespace content

#endif  // CONTENT_BROWSER_FRAME_RING_FRAME_RING_LIFELINE_H_
