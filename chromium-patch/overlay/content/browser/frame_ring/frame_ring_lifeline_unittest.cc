// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "content/browser/frame_ring/frame_ring_lifeline.h"

#include <utility>

#include "base/posix/unix_domain_socket.h"
#include "base/run_loop.h"
#include "base/task/bind_post_task.h"
#include "base/task/thread_pool.h"
#include "base/test/task_environment.h"
#include "base/threading/sequence_bound.h"
#include "testing/gtest/include/gtest/gtest.h"

namespace content {

namespace {

TEST(FrameRingLifelineTest, TellsThatTheConsumerIsGone) {
  base::test::TaskEnvironment environment;
  base::ScopedFD producer, consumer;
  ASSERT_TRUE(base::CreateSocketPair(&producer, &consumer));
  base::RunLoop loop;
  base::SequenceBound<FrameRingLifeline> lifeline(
      base::ThreadPool::CreateSequencedTaskRunner({}), std::move(producer),
      base::BindPostTaskToCurrentDefault(loop.QuitClosure()));
  environment.RunUntilIdle();
  EXPECT_FALSE(loop.AnyQuitCalled());
  consumer.reset();
  loop.Run();
}

}  // namespace

}  // namespace content
