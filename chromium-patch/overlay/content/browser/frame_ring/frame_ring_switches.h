// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#ifndef CONTENT_BROWSER_FRAME_RING_FRAME_RING_SWITCHES_H_
#define CONTENT_BROWSER_FRAME_RING_FRAME_RING_SWITCHES_H_

namespace switches {

// Where the consumer listens: the path of a SOCK_SEQPACKET Unix socket, or
// "@name" for one in the abstract namespace. Each document gets a connection.
inline constexpr char kFrameRingSocket[] = "frame-ring-socket";

// The number of an inherited socket that is connected to the consumer, for one
// document: the first one that asks.
inline constexpr char kFrameRingFd[] = "frame-ring-fd";

// The origins whose documents get rings, separated by commas, such as
// "https://meet.example,https://*.example,http://localhost:8080". "*." stands
// for any host below; without a port, the scheme's own port is meant. None by
// default.
inline constexpr char kFrameRingAllowedOrigins[] = "frame-ring-allowed-origins";

// Remote tracks of these origins go into rings without a script's doing.
inline constexpr char kFrameRingAutoAttach[] = "frame-ring-auto-attach";

}  // namespace switches

#endif  // CONTENT_BROWSER_FRAME_RING_FRAME_RING_SWITCHES_H_
