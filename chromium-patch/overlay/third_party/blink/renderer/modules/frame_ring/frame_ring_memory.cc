// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "third_party/blink/renderer/modules/frame_ring/frame_ring_memory.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "base/compiler_specific.h"
#include "base/memory/ptr_util.h"
#include "base/numerics/safe_conversions.h"
#include "base/posix/eintr_wrapper.h"
#include "mojo/public/cpp/platform/platform_handle.h"
#include "third_party/blink/public/mojom/frame_ring/frame_ring.mojom-blink.h"

namespace blink {

// static
scoped_refptr<FrameRingMemory> FrameRingMemory::Map(
    mojom::blink::FrameRingHandlesPtr handles) {
  if (!handles || !handles->memory.is_valid_fd() ||
      !handles->doorbell.is_valid_fd()) {
    return nullptr;
  }
  return Map(handles->memory.TakeFD(), handles->size,
             handles->doorbell.TakeFD(), handles->producer);
}

// static
scoped_refptr<FrameRingMemory> FrameRingMemory::Map(base::ScopedFD memory,
                                                    uint64_t size,
                                                    base::ScopedFD doorbell,
                                                    uint8_t producer) {
  if (!base::IsValueInRangeForNumericType<size_t>(size)) {
    return nullptr;
  }
  // No MAP_POPULATE: it would end a sandboxed renderer.
  void* start = mmap(nullptr, static_cast<size_t>(size), PROT_READ | PROT_WRITE,
                     MAP_SHARED, memory.get(), 0);
  if (start == MAP_FAILED) {
    return nullptr;
  }
  // SAFETY: mmap has made so many bytes, and they stay until the destructor of
  // what they are given to.
  auto mapping = UNSAFE_BUFFERS(base::span<uint8_t>(
      static_cast<uint8_t*>(start), static_cast<size_t>(size)));
  auto ring =
      base::WrapRefCounted(new FrameRingMemory(mapping, std::move(doorbell)));
  // The browser has checked that the memory cannot shrink; whatever else it
  // holds is checked by this, and each word again when it is used.
  if (frame_ring_core_attach(&ring->core_, start, size, producer) !=
      FRAME_RING_OK) {
    return nullptr;
  }
  return ring;
}

FrameRingMemory::FrameRingMemory(base::span<uint8_t> mapping,
                                 base::ScopedFD doorbell)
    : mapping_(mapping), doorbell_(std::move(doorbell)) {}

FrameRingMemory::~FrameRingMemory() {
  frame_ring_core_detach(&core_);
  munmap(mapping_.data(), mapping_.size());
}

uint64_t FrameRingMemory::longest() const {
  return frame_ring_core_longest(&core_, FRAME_RING_CLASS_VIDEO);
}

frame_ring_counters FrameRingMemory::counters() const {
  frame_ring_counters counters = {};
  frame_ring_core_counters(&core_, &counters);
  return counters;
}

void FrameRingMemory::Wake(frame_ring_wake wake) const {
  if (wake == FRAME_RING_WAKE_FUTEX) {
    // Not the private kind: the sleeper is another process.
    syscall(SYS_futex, frame_ring_core_wake_word(&core_), FUTEX_WAKE, 1,
            nullptr, nullptr, 0);
  } else if (wake == FRAME_RING_WAKE_EVENTFD) {
    const uint64_t one = 1;
    // Full means that it has been rung already.
    std::ignore = HANDLE_EINTR(write(doorbell_.get(), &one, sizeof(one)));
  }
}

}  // namespace blink
