// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#ifndef THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_FORMAT_H_
#define THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_FORMAT_H_

#include <stdint.h>

#include "base/containers/span.h"
#include "base/time/time.h"
#include "third_party/blink/renderer/modules/modules_export.h"
#include "third_party/frame_ring/include/frame_ring.h"

namespace media {
class AudioBus;
class VideoFrame;
}  // namespace media

namespace blink {

// Says what a picture is in a ring's terms, as docs/descriptor.md of frame-ring
// has them, and sets `bytes` to what its payload takes: the visible part, rows
// at multiples of 64 bytes, nothing converted. False if its pixel format has no
// code, or it has no pixels.
//
// `captured` may be null, which is not known.
MODULES_EXPORT bool DescribeVideo(const media::VideoFrame& frame,
                                  base::TimeTicks captured,
                                  frame_ring_descriptor& to,
                                  uint64_t& bytes);

// Copies a picture that was described, and that the CPU can read, to its
// payload.
MODULES_EXPORT void CopyVideo(const media::VideoFrame& frame,
                              const frame_ring_video& description,
                              base::span<uint8_t> to);

// The same for a block of sound: 32-bit floats, one plane for each channel.
// `position` counts the sample frames of the track before.
MODULES_EXPORT bool DescribeAudio(const media::AudioBus& bus,
                                  int rate,
                                  uint64_t position,
                                  base::TimeTicks captured,
                                  frame_ring_descriptor& to,
                                  uint64_t& bytes);
MODULES_EXPORT void CopyAudio(const media::AudioBus& bus,
                              const frame_ring_audio& description,
                              base::span<uint8_t> to);

}  // namespace blink

#endif  // THIRD_PARTY_BLINK_RENDERER_MODULES_FRAME_RING_FRAME_RING_FORMAT_H_
