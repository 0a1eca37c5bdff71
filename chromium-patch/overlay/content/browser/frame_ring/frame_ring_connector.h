// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#ifndef CONTENT_BROWSER_FRAME_RING_FRAME_RING_CONNECTOR_H_
#define CONTENT_BROWSER_FRAME_RING_FRAME_RING_CONNECTOR_H_

#include <stdint.h>

#include <string>

#include "base/files/scoped_file.h"
#include "base/types/expected.h"
#include "content/common/content_export.h"
#include "third_party/blink/public/mojom/frame_ring/frame_ring.mojom.h"

namespace content {

// A producer's place in a ring, checked.
struct CONTENT_EXPORT FrameRingConnection {
  FrameRingConnection();
  FrameRingConnection(FrameRingConnection&&);
  FrameRingConnection& operator=(FrameRingConnection&&);
  ~FrameRingConnection();

  // Its end is the producer's.
  base::ScopedFD lifeline;
  // A memfd that can change its size no more.
  base::ScopedFD memory;
  uint64_t size = 0;
  base::ScopedFD doorbell;
  uint8_t producer = 0;
};

using FrameRingConnectResult =
    base::expected<FrameRingConnection, blink::mojom::FrameRingError>;

// Connects to the consumer that listens at `path`, "@name" meaning the abstract
// namespace, and asks for a place in its ring, as docs/abi.md of frame-ring
// says under "Hand-over". `label` tells people who asks. Blocks, for two
// seconds at most.
CONTENT_EXPORT FrameRingConnectResult
ConnectToFrameRing(const std::string& path, const std::string& label);

// The same over a socket that is connected already.
CONTENT_EXPORT FrameRingConnectResult AskForFrameRing(base::ScopedFD socket,
                                                      const std::string& label);

}  // namespace content

#endif  // CONTENT_BROWSER_FRAME_RING_FRAME_RING_CONNECTOR_H_
