// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#ifndef CONTENT_BROWSER_FRAME_RING_FRAME_RING_POLICY_H_
#define CONTENT_BROWSER_FRAME_RING_FRAME_RING_POLICY_H_

#include <string_view>

#include "content/common/content_export.h"

namespace url {
class Origin;
}

namespace content {

// Whether `list`, as given to --frame-ring-allowed-origins, names `origin`.
// Opaque origins (data:, file:, sandboxed frames) are never named.
CONTENT_EXPORT bool IsFrameRingOriginAllowed(const url::Origin& origin,
                                             std::string_view list);

}  // namespace content

#endif  // CONTENT_BROWSER_FRAME_RING_FRAME_RING_POLICY_H_
