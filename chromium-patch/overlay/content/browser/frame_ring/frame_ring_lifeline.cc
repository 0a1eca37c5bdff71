// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "content/browser/frame_ring/frame_ring_lifeline.h"

#include <utility>

#include "base/functional/bind.h"

namespace content {

FrameRingLifeline::FrameRingLifeline(base::ScopedFD socket,
                                     base::OnceClosure consumer_gone)
    : socket_(std::move(socket)), consumer_gone_(std::move(consumer_gone)) {
  // Unretained: the watcher is destroyed with `this`, on the same sequence.
  watcher_ = base::FileDescriptorWatcher::WatchReadable(
      socket_.get(), base::BindRepeating(&FrameRingLifeline::OnReadable,
                                         base::Unretained(this)));
}

FrameRingLifeline::~FrameRingLifeline() = default;

void FrameRingLifeline::OnReadable() {
  watcher_.reset();
  std::move(consumer_gone_).Run();
}

}  // namespace content
