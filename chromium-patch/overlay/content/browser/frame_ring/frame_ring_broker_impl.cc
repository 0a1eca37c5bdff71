// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#include "content/browser/frame_ring/frame_ring_broker_impl.h"

#include <unistd.h>

#include <utility>

#include "base/command_line.h"
#include "base/feature_list.h"
#include "base/files/file_path.h"
#include "base/functional/bind.h"
#include "base/strings/strcat.h"
#include "base/strings/string_number_conversions.h"
#include "base/task/bind_post_task.h"
#include "base/task/thread_pool.h"
#include "content/browser/frame_ring/frame_ring_policy.h"
#include "content/browser/frame_ring/frame_ring_switches.h"
#include "content/browser/renderer_host/render_frame_host_impl.h"
#include "content/browser/worker_host/dedicated_worker_host.h"
#include "content/public/browser/render_frame_host.h"
#include "mojo/public/cpp/platform/platform_handle.h"
#include "third_party/blink/public/common/features_generated.h"

namespace content {

namespace {

using blink::mojom::FrameRingError;

// Rings of all documents, those that are being asked for included. A consumer
// takes 255 producers; no renderer is to use them up for those of other
// browsers.
constexpr int kMostRings = 64;
int g_rings = 0;

// The inherited socket, for who asks first; then nothing.
base::ScopedFD TakeInheritedSocket() {
  static bool taken = false;
  int fd = -1;
  const std::string number =
      base::CommandLine::ForCurrentProcess()->GetSwitchValueASCII(
          switches::kFrameRingFd);
  if (std::exchange(taken, true) || !base::StringToInt(number, &fd) ||
      fd <= STDERR_FILENO) {
    return base::ScopedFD();
  }
  return base::ScopedFD(fd);
}

}  // namespace

// static
void FrameRingBrokerImpl::Create(
    RenderFrameHost* render_frame_host,
    mojo::PendingReceiver<blink::mojom::FrameRingBroker> receiver) {
  CHECK(render_frame_host);
  // Owned by the document, see `DocumentService`.
  new FrameRingBrokerImpl(*render_frame_host, std::move(receiver));
}

// static
void FrameRingBrokerImpl::CreateForWorker(
    DedicatedWorkerHost* host,
    mojo::PendingReceiver<blink::mojom::FrameRingBroker> receiver) {
  if (auto* document =
          RenderFrameHostImpl::FromID(host->GetAncestorRenderFrameHostId())) {
    Create(document, std::move(receiver));
  }
}

FrameRingBrokerImpl::FrameRingBrokerImpl(
    RenderFrameHost& render_frame_host,
    mojo::PendingReceiver<blink::mojom::FrameRingBroker> receiver)
    : DocumentService(render_frame_host, std::move(receiver)) {}

FrameRingBrokerImpl::~FrameRingBrokerImpl() {
  if (counted_) {
    --g_rings;
  }
}

void FrameRingBrokerImpl::Open(const std::string& name, OpenCallback callback) {
  const std::string who = origin().Serialize();
  Connect(name.empty() ? who : base::StrCat({name, " ", who}),
          std::move(callback));
}

void FrameRingBrokerImpl::OpenForRemoteTracks(
    OpenForRemoteTracksCallback callback) {
  if (!base::CommandLine::ForCurrentProcess()->HasSwitch(
          switches::kFrameRingAutoAttach)) {
    std::move(callback).Run(base::unexpected(FrameRingError::kNotEnabled));
    return;
  }
  Connect(origin().Serialize(), std::move(callback));
}

void FrameRingBrokerImpl::Connect(const std::string& label, Answer answer) {
  const base::CommandLine& command_line =
      *base::CommandLine::ForCurrentProcess();
  const std::string path =
      command_line.GetSwitchValuePath(switches::kFrameRingSocket).value();
  if (!base::FeatureList::IsEnabled(blink::features::kFrameRing) ||
      (path.empty() && !command_line.HasSwitch(switches::kFrameRingFd))) {
    std::move(answer).Run(base::unexpected(FrameRingError::kNotEnabled));
    return;
  }
  if (!IsFrameRingOriginAllowed(origin(),
                                command_line.GetSwitchValueASCII(
                                    switches::kFrameRingAllowedOrigins))) {
    std::move(answer).Run(base::unexpected(FrameRingError::kOriginNotAllowed));
    return;
  }
  if (std::exchange(asked_, true)) {
    // The answer is dropped with the pipe that it would have gone through.
    ReportBadMessageAndDeleteThis("a broker was asked for a second ring");
    return;
  }
  if (g_rings >= kMostRings) {
    std::move(answer).Run(base::unexpected(FrameRingError::kRefused));
    return;
  }
  base::OnceCallback<FrameRingConnectResult()> connect;
  if (!path.empty()) {
    connect = base::BindOnce(&ConnectToFrameRing, path, label);
  } else if (base::ScopedFD socket = TakeInheritedSocket(); socket.is_valid()) {
    connect = base::BindOnce(&AskForFrameRing, std::move(socket), label);
  } else {
    std::move(answer).Run(base::unexpected(FrameRingError::kUnavailable));
    return;
  }
  ++g_rings;
  counted_ = true;
  base::ThreadPool::PostTaskAndReplyWithResult(
      FROM_HERE, {base::MayBlock(), base::TaskPriority::USER_VISIBLE},
      std::move(connect),
      base::BindOnce(&FrameRingBrokerImpl::OnConnected,
                     weak_factory_.GetWeakPtr(), std::move(answer)));
}

void FrameRingBrokerImpl::OnConnected(Answer answer,
                                      FrameRingConnectResult result) {
  if (!result.has_value()) {
    counted_ = false;
    --g_rings;
    std::move(answer).Run(base::unexpected(result.error()));
    return;
  }
  lifeline_ = base::SequenceBound<FrameRingLifeline>(
      base::ThreadPool::CreateSequencedTaskRunner({}),
      std::move(result->lifeline),
      base::BindPostTaskToCurrentDefault(base::BindOnce(
          &FrameRingBrokerImpl::OnConsumerGone, weak_factory_.GetWeakPtr())));
  auto handles = blink::mojom::FrameRingHandles::New();
  handles->memory = mojo::PlatformHandle(std::move(result->memory));
  handles->size = result->size;
  handles->doorbell = mojo::PlatformHandle(std::move(result->doorbell));
  handles->producer = result->producer;
  std::move(answer).Run(std::move(handles));
}

void FrameRingBrokerImpl::OnConsumerGone() {
  ResetAndDeleteThis();
}

}  // namespace content
