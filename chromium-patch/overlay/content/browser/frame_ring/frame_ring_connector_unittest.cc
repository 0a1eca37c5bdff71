// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "content/browser/frame_ring/frame_ring_connector.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "base/containers/span.h"
#include "base/posix/unix_domain_socket.h"
#include "base/threading/simple_thread.h"
#include "testing/gtest/include/gtest/gtest.h"

namespace blink::mojom {

// The generated way to print it lies in a library that nothing here needs.
void PrintTo(FrameRingError error, std::ostream* out) {
  *out << "FrameRingError " << static_cast<int>(error);
}

}  // namespace blink::mojom

namespace content {

namespace {

using blink::mojom::FrameRingError;

constexpr size_t kMessageBytes = 80;
constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW;

base::ScopedFD MakeMemory(int64_t size, int seals) {
  base::ScopedFD memory(memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  CHECK(memory.is_valid());
  CHECK_EQ(ftruncate(memory.get(), size), 0);
  CHECK_EQ(fcntl(memory.get(), F_ADD_SEALS, seals), 0);
  return memory;
}

// What a consumer answers, and with which descriptors.
struct Answer {
  std::array<uint8_t, kMessageBytes> bytes = {'F', 'R', 'H', 'O', 1};
  std::vector<base::ScopedFD> fds;
};

Answer MakeWelcome(base::ScopedFD memory) {
  Answer answer;
  answer.bytes[12] = 7;
  answer.fds.push_back(std::move(memory));
  answer.fds.emplace_back(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  return answer;
}

// A consumer of one producer: takes its request, gives its answer, and keeps
// the connection.
class Consumer : public base::DelegateSimpleThread::Delegate {
 public:
  Consumer(base::ScopedFD socket, Answer answer)
      : socket_(std::move(socket)), answer_(std::move(answer)) {}

  void Run() override {
    std::vector<base::ScopedFD> none;
    std::array<uint8_t, kMessageBytes + 1> request = {};
    received_ = base::UnixDomainSocket::RecvMsg(socket_.get(), request, &none);
    label_ =
        std::string(base::as_string_view(base::span(request).subspan(24u)));
    label_.resize(strlen(label_.c_str()));
    std::vector<int> fds;
    for (const base::ScopedFD& fd : answer_.fds) {
      fds.push_back(fd.get());
    }
    base::UnixDomainSocket::SendMsg(socket_.get(), answer_.bytes, fds);
  }

  ssize_t received() const { return received_; }
  const std::string& label() const { return label_; }

 private:
  const base::ScopedFD socket_;
  const Answer answer_;
  ssize_t received_ = 0;
  std::string label_;
};

FrameRingConnectResult Ask(Answer answer,
                           const std::string& label = "label",
                           std::string* seen = nullptr) {
  base::ScopedFD ours, theirs;
  CHECK(base::CreateSocketPair(&ours, &theirs));
  Consumer consumer(std::move(theirs), std::move(answer));
  base::DelegateSimpleThread thread(&consumer, "consumer");
  thread.Start();
  auto result = AskForFrameRing(std::move(ours), label);
  thread.Join();
  EXPECT_EQ(consumer.received(), static_cast<ssize_t>(kMessageBytes));
  if (seen) {
    *seen = consumer.label();
  }
  return result;
}

FrameRingError Refusal(Answer answer) {
  auto result = Ask(std::move(answer));
  EXPECT_FALSE(result.has_value());
  return result.error_or(FrameRingError::kNotEnabled);
}

TEST(FrameRingConnectorTest, Welcome) {
  std::string seen;
  auto result = Ask(MakeWelcome(MakeMemory(1 << 16, kSeals)), "Ada", &seen);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->size, 1u << 16);
  EXPECT_EQ(result->producer, 7);
  EXPECT_TRUE(result->memory.is_valid());
  EXPECT_TRUE(result->doorbell.is_valid());
  EXPECT_TRUE(result->lifeline.is_valid());
  EXPECT_EQ(seen, "Ada");
}

TEST(FrameRingConnectorTest, LongLabelsAreCutBetweenCharacters) {
  std::string seen;
  ASSERT_TRUE(Ask(MakeWelcome(MakeMemory(1 << 16, kSeals)),
                  std::string(55, 'x') + "é", &seen)
                  .has_value());
  EXPECT_EQ(seen, std::string(55, 'x'));
}

TEST(FrameRingConnectorTest, MemoryThatCanChangeItsSizeIsRefused) {
  for (int seals : {0, F_SEAL_SHRINK | F_SEAL_GROW, F_SEAL_SEAL | F_SEAL_GROW,
                    F_SEAL_SEAL | F_SEAL_SHRINK}) {
    EXPECT_EQ(Refusal(MakeWelcome(MakeMemory(1 << 16, seals))),
              FrameRingError::kBadAnswer);
  }
}

TEST(FrameRingConnectorTest, WhatIsNoMemoryIsRefused) {
  EXPECT_EQ(Refusal(MakeWelcome(MakeMemory(4096, kSeals))),
            FrameRingError::kBadAnswer);
  EXPECT_EQ(Refusal(MakeWelcome(base::ScopedFD(eventfd(0, EFD_CLOEXEC)))),
            FrameRingError::kBadAnswer);
  EXPECT_EQ(Refusal(MakeWelcome(
                base::ScopedFD(open("/dev/null", O_RDWR | O_CLOEXEC)))),
            FrameRingError::kBadAnswer);
}

TEST(FrameRingConnectorTest, ReadOnlyMemoryIsRefused) {
  const base::ScopedFD memory = MakeMemory(1 << 16, kSeals);
  const std::string path = "/proc/self/fd/" + std::to_string(memory.get());
  EXPECT_EQ(Refusal(MakeWelcome(
                base::ScopedFD(open(path.c_str(), O_RDONLY | O_CLOEXEC)))),
            FrameRingError::kBadAnswer);
}

TEST(FrameRingConnectorTest, WrongAnswersAreRefused) {
  Answer no_magic = MakeWelcome(MakeMemory(1 << 16, kSeals));
  no_magic.bytes[0] = 'X';
  EXPECT_EQ(Refusal(std::move(no_magic)), FrameRingError::kBadAnswer);

  Answer no_producer = MakeWelcome(MakeMemory(1 << 16, kSeals));
  no_producer.bytes[12] = 0;
  EXPECT_EQ(Refusal(std::move(no_producer)), FrameRingError::kBadAnswer);

  Answer one_descriptor = MakeWelcome(MakeMemory(1 << 16, kSeals));
  one_descriptor.fds.pop_back();
  EXPECT_EQ(Refusal(std::move(one_descriptor)), FrameRingError::kBadAnswer);

  Answer other_version = MakeWelcome(MakeMemory(1 << 16, kSeals));
  other_version.bytes[4] = 2;
  EXPECT_EQ(Refusal(std::move(other_version)), FrameRingError::kRefused);

  Answer crowded;
  crowded.bytes[8] = 4;
  EXPECT_EQ(Refusal(std::move(crowded)), FrameRingError::kRefused);
}

TEST(FrameRingConnectorTest, NobodyThere) {
  base::ScopedFD ours, theirs;
  ASSERT_TRUE(base::CreateSocketPair(&ours, &theirs));
  theirs.reset();
  const auto hung_up = AskForFrameRing(std::move(ours), "label");
  EXPECT_EQ(hung_up.error_or(FrameRingError::kNotEnabled),
            FrameRingError::kUnavailable);
  for (const char* path : {"", "/nonexistent", "@nobody-listens-here"}) {
    EXPECT_EQ(
        ConnectToFrameRing(path, "label").error_or(FrameRingError::kNotEnabled),
        FrameRingError::kUnavailable);
  }
  EXPECT_EQ(ConnectToFrameRing(std::string(200, 'x'), "label")
                .error_or(FrameRingError::kNotEnabled),
            FrameRingError::kUnavailable);
}

}  // namespace

}  // namespace content
