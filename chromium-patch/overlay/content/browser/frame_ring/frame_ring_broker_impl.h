// Copyright 2026 The frame-ring Authors
// Use of this source code is governed by the MIT or Apache-2.0 license that can
// be found in the LICENSE files of //third_party/frame_ring.

#ifndef CONTENT_BROWSER_FRAME_RING_FRAME_RING_BROKER_IMPL_H_
#define CONTENT_BROWSER_FRAME_RING_FRAME_RING_BROKER_IMPL_H_

#include <string>

#include "base/memory/weak_ptr.h"
#include "base/threading/sequence_bound.h"
#include "content/browser/frame_ring/frame_ring_connector.h"
#include "content/browser/frame_ring/frame_ring_lifeline.h"
#include "content/public/browser/document_service.h"
#include "mojo/public/cpp/bindings/pending_receiver.h"
#include "third_party/blink/public/mojom/frame_ring/frame_ring.mojom.h"

namespace content {

class DedicatedWorkerHost;
class RenderFrameHost;

// Hands out one ring to a document, or to one of its workers: decides whether
// it may have one, gets it from the consumer, and checks it before the renderer
// sees it.
//
// It also is the producer's lifeline: it holds the connection to the consumer,
// and is destroyed when the document is navigated away from, its frame is
// removed or its renderer dies, or when the renderer lets go of the pipe. When
// the consumer hangs up it ends itself, so that the renderer hears of that.
class FrameRingBrokerImpl final
    : public DocumentService<blink::mojom::FrameRingBroker> {
 public:
  static void Create(
      RenderFrameHost* render_frame_host,
      mojo::PendingReceiver<blink::mojom::FrameRingBroker> receiver);
  static void CreateForWorker(
      DedicatedWorkerHost* host,
      mojo::PendingReceiver<blink::mojom::FrameRingBroker> receiver);

  FrameRingBrokerImpl(const FrameRingBrokerImpl&) = delete;
  FrameRingBrokerImpl& operator=(const FrameRingBrokerImpl&) = delete;

  // blink::mojom::FrameRingBroker:
  void Open(const std::string& name, OpenCallback callback) override;
  void OpenForRemoteTracks(OpenForRemoteTracksCallback callback) override;

 private:
  // Both callbacks of the interface are of this type.
  using Answer = OpenCallback;

  FrameRingBrokerImpl(
      RenderFrameHost& render_frame_host,
      mojo::PendingReceiver<blink::mojom::FrameRingBroker> receiver);
  ~FrameRingBrokerImpl() override;

  void Connect(const std::string& label, Answer answer);
  void OnConnected(Answer answer, FrameRingConnectResult result);
  void OnConsumerGone();

  // Whether a ring was asked for; there is one for each broker.
  bool asked_ = false;
  // Whether this is one of the rings that all documents have.
  bool counted_ = false;
  base::SequenceBound<FrameRingLifeline> lifeline_;
  base::WeakPtrFactory<FrameRingBrokerImpl> weak_factory_{this};
};

}  // namespace content

#endif  // CONTENT_BROWSER_FRAME_RING_FRAME_RING_BROKER_IMPL_H_
