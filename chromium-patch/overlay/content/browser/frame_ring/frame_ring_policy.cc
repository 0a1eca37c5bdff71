// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "content/browser/frame_ring/frame_ring_policy.h"

#include <string>

#include "base/strings/strcat.h"
#include "base/strings/string_split.h"
#include "base/strings/string_util.h"
#include "url/gurl.h"
#include "url/origin.h"

namespace content {

namespace {

constexpr std::string_view kAnyHostBelow = "://*.";

bool IsNamedBy(const url::Origin& origin, std::string_view entry) {
  const size_t wildcard = entry.find(kAnyHostBelow);
  if (wildcard == std::string_view::npos) {
    const url::Origin named = url::Origin::Create(GURL(entry));
    return !named.opaque() && origin == named;
  }
  const std::string_view scheme = entry.substr(0, wildcard);
  const std::string_view host = entry.substr(wildcard + kAnyHostBelow.size());
  const url::Origin parent =
      url::Origin::Create(GURL(base::StrCat({scheme, "://", host})));
  return !parent.opaque() && origin.scheme() == parent.scheme() &&
         origin.port() == parent.port() &&
         base::EndsWith(origin.host(), base::StrCat({".", parent.host()}));
}

}  // namespace

bool IsFrameRingOriginAllowed(const url::Origin& origin,
                              std::string_view list) {
  if (origin.opaque()) {
    return false;
  }
  for (std::string_view entry : base::SplitStringPiece(
           list, ",", base::TRIM_WHITESPACE, base::SPLIT_WANT_NONEMPTY)) {
    if (IsNamedBy(origin, entry)) {
      return true;
    }
  }
  return false;
}

}  // namespace content
