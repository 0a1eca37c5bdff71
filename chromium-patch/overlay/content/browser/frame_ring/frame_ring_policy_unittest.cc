// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "content/browser/frame_ring/frame_ring_policy.h"

#include <string_view>

#include "testing/gtest/include/gtest/gtest.h"
#include "url/gurl.h"
#include "url/origin.h"

namespace content {

namespace {

bool IsAllowed(std::string_view url, std::string_view list) {
  return IsFrameRingOriginAllowed(url::Origin::Create(GURL(url)), list);
}

TEST(FrameRingPolicyTest, NobodyByDefault) {
  EXPECT_FALSE(IsAllowed("https://meet.example", ""));
  EXPECT_FALSE(IsAllowed("https://meet.example", " , "));
}

TEST(FrameRingPolicyTest, WhoIsNamed) {
  constexpr std::string_view kList =
      "https://meet.example, http://localhost:8080";
  EXPECT_TRUE(IsAllowed("https://meet.example/room?x", kList));
  EXPECT_TRUE(IsAllowed("https://meet.example:443", kList));
  EXPECT_TRUE(IsAllowed("http://localhost:8080/page", kList));
  EXPECT_FALSE(IsAllowed("http://meet.example", kList));
  EXPECT_FALSE(IsAllowed("https://meet.example:444", kList));
  EXPECT_FALSE(IsAllowed("http://localhost", kList));
  EXPECT_FALSE(IsAllowed("https://meet.example.evil.example", kList));
  EXPECT_FALSE(IsAllowed("https://evilmeet.example", kList));
}

TEST(FrameRingPolicyTest, AnyHostBelow) {
  constexpr std::string_view kList = "https://*.meet.example";
  EXPECT_TRUE(IsAllowed("https://a.meet.example", kList));
  EXPECT_TRUE(IsAllowed("https://a.b.meet.example", kList));
  EXPECT_FALSE(IsAllowed("https://meet.example", kList));
  EXPECT_FALSE(IsAllowed("https://evilmeet.example", kList));
  EXPECT_FALSE(IsAllowed("http://a.meet.example", kList));
  EXPECT_FALSE(IsAllowed("https://a.meet.example:8443", kList));
}

TEST(FrameRingPolicyTest, OpaqueOriginsNever) {
  EXPECT_FALSE(
      IsFrameRingOriginAllowed(url::Origin(), "null,data:,https://*."));
  EXPECT_FALSE(IsAllowed("data:text/html,x", "data:text/html,x"));
  EXPECT_FALSE(IsAllowed("file:///tmp/page.html", "*"));
}

}  // namespace

}  // namespace content
