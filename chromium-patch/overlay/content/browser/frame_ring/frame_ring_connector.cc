// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "content/browser/frame_ring/frame_ring_connector.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "base/containers/span.h"
#include "base/numerics/byte_conversions.h"
#include "base/posix/eintr_wrapper.h"
#include "base/posix/unix_domain_socket.h"
#include "base/strings/string_util.h"

#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#endif
#ifndef F_SEAL_SEAL
#define F_SEAL_SEAL 0x0001
#define F_SEAL_SHRINK 0x0002
#define F_SEAL_GROW 0x0004
#endif

namespace content {

namespace {

using blink::mojom::FrameRingError;

constexpr std::string_view kMagic = "FRHO";
constexpr uint32_t kAbiVersion = 1;
constexpr uint32_t kRoleProducer = 1;
constexpr uint32_t kWelcome = 0;
constexpr size_t kMessageBytes = 80;
constexpr size_t kLabelAt = 24;
constexpr size_t kLabelBytes = 56;
// The header and one page of a ring; the rest is checked by who attaches.
constexpr int64_t kLeastBytes = 8192;
constexpr int kPatienceSeconds = 2;

using Message = std::array<uint8_t, kMessageBytes>;

base::span<uint8_t, 4u> Word(Message& message, size_t at) {
  return base::span(message).subspan(at).first<4u>();
}

Message MakeRequest(const std::string& label) {
  Message request = {};
  base::span(request).first<4u>().copy_from(
      base::as_byte_span(kMagic).first<4u>());
  Word(request, 4).copy_from(base::U32ToLittleEndian(kAbiVersion));
  Word(request, 8).copy_from(base::U32ToLittleEndian(kRoleProducer));
  std::string fitting;
  base::TruncateUTF8ToByteSize(label, kLabelBytes, &fitting);
  base::span(request)
      .subspan(kLabelAt, fitting.size())
      .copy_from(base::as_byte_span(fitting));
  return request;
}

// Whether nothing can change the size of what `memory` is, so that no access to
// a mapping of it can fail.
bool IsSealed(int memory) {
  const int seals = HANDLE_EINTR(fcntl(memory, F_GET_SEALS));
  constexpr int kNeeded = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW;
  return seals != -1 && (seals & kNeeded) == kNeeded;
}

bool IsReadWrite(int memory) {
  const int flags = HANDLE_EINTR(fcntl(memory, F_GETFL));
  return flags != -1 && (flags & O_ACCMODE) == O_RDWR;
}

bool SetPatience(int socket) {
  const timeval patience = {.tv_sec = kPatienceSeconds, .tv_usec = 0};
  return setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience,
                    sizeof(patience)) == 0 &&
         setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience,
                    sizeof(patience)) == 0;
}

}  // namespace

FrameRingConnection::FrameRingConnection() = default;
FrameRingConnection::FrameRingConnection(FrameRingConnection&&) = default;
FrameRingConnection& FrameRingConnection::operator=(FrameRingConnection&&) =
    default;
FrameRingConnection::~FrameRingConnection() = default;

FrameRingConnectResult ConnectToFrameRing(const std::string& path,
                                          const std::string& label) {
  sockaddr_un address = {.sun_family = AF_UNIX};
  const bool is_abstract = path.starts_with('@');
  base::span<char> room(address.sun_path);
  // A path ends with a zero; a name in the abstract namespace begins with one.
  if (path.empty() || path.size() + (is_abstract ? 0 : 1) > room.size()) {
    return base::unexpected(FrameRingError::kUnavailable);
  }
  room.first(path.size()).copy_from(base::span(path));
  if (is_abstract) {
    room[0] = '\0';
  }
  const socklen_t length = static_cast<socklen_t>(
      offsetof(sockaddr_un, sun_path) + path.size() + (is_abstract ? 0 : 1));

  base::ScopedFD fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  // The patience holds for connecting, too: a full backlog blocks.
  if (!fd.is_valid() || !SetPatience(fd.get()) ||
      HANDLE_EINTR(connect(fd.get(), reinterpret_cast<sockaddr*>(&address),
                           length)) != 0) {
    return base::unexpected(FrameRingError::kUnavailable);
  }
  return AskForFrameRing(std::move(fd), label);
}

FrameRingConnectResult AskForFrameRing(base::ScopedFD socket,
                                       const std::string& label) {
  Message request = MakeRequest(label);
  if (!SetPatience(socket.get()) ||
      !base::UnixDomainSocket::SendMsg(socket.get(), request, {})) {
    return base::unexpected(FrameRingError::kUnavailable);
  }
  Message answer = {};
  std::vector<base::ScopedFD> fds;
  const ssize_t received =
      base::UnixDomainSocket::RecvMsg(socket.get(), answer, &fds);
  if (received <= 0) {
    return base::unexpected(FrameRingError::kUnavailable);
  }
  if (static_cast<size_t>(received) != kMessageBytes ||
      !std::ranges::equal(base::span(answer).first<4u>(),
                          base::as_byte_span(kMagic))) {
    return base::unexpected(FrameRingError::kBadAnswer);
  }
  if (base::U32FromLittleEndian(Word(answer, 8)) != kWelcome ||
      base::U32FromLittleEndian(Word(answer, 4)) != kAbiVersion) {
    return base::unexpected(FrameRingError::kRefused);
  }
  const uint32_t producer = base::U32FromLittleEndian(Word(answer, 12));
  if (fds.size() != 2 || producer < 1 || producer > UINT8_MAX) {
    return base::unexpected(FrameRingError::kBadAnswer);
  }

  struct stat about = {};
  const int memory = fds[0].get();
  if (fstat(memory, &about) != 0 || !S_ISREG(about.st_mode) ||
      about.st_size < kLeastBytes || !IsReadWrite(memory) ||
      !IsSealed(memory)) {
    return base::unexpected(FrameRingError::kBadAnswer);
  }

  FrameRingConnection connection;
  connection.lifeline = std::move(socket);
  connection.memory = std::move(fds[0]);
  connection.size = static_cast<uint64_t>(about.st_size);
  connection.doorbell = std::move(fds[1]);
  connection.producer = static_cast<uint8_t>(producer);
  return connection;
}

}  // namespace content
