//! iceoryx2: publish-subscribe over shared memory, with an event service beside it that wakes the consumer.
//!
//! As its documentation has it: memory is loaned uninitialised and written once, samples are sent by reference, and the
//! consumer takes all that is there before it waits for the next event. Buffers are as large as the ring's default;
//! nothing is dropped, as with all other transports here.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use frame_ring_pipeline::commands::bench::{Control, Job, Measured, Meter, Peer, Series};
use frame_ring_pipeline::error::CliError;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;

/// What the ring has, too.
const BUFFER_BYTES: usize = 64 << 20;
const MOST_SAMPLES: usize = 1024;
/// Payloads begin at lines of the cache, as the ring's.
const ALIGNMENT: usize = 64;

/// A service of this name for frames, and one for the events that say that there are some.
struct Services {
    // Declared first, to be dropped before the node that they belong to.
    frames: iceoryx2::service::port_factory::publish_subscribe::PortFactory<ipc::Service, [u8], ()>,
    events: iceoryx2::service::port_factory::event::PortFactory<ipc::Service>,
    _node: Node<ipc::Service>,
}

impl Services {
    fn open(job: &Job) -> Result<Self, CliError> {
        set_log_level(LogLevel::Error);
        let node = NodeBuilder::new().create::<ipc::Service>().map_err(failed)?;
        let name: ServiceName = job.address.as_str().try_into().map_err(failed)?;
        let alignment =
            Alignment::new(ALIGNMENT).ok_or_else(|| failed("an alignment that is a power of two"))?;
        let frames = node
            .service_builder(&name)
            .publish_subscribe::<[u8]>()
            .payload_alignment(alignment)
            .enable_safe_overflow(false)
            .history_size(0)
            .subscriber_max_buffer_size(samples(job.payload_bytes))
            .subscriber_max_borrowed_samples(1)
            .max_publishers(1)
            .max_subscribers(1)
            .max_nodes(2)
            .open_or_create()
            .map_err(failed)?;
        let events = node.service_builder(&name).event().max_notifiers(1).max_listeners(1).max_nodes(2);
        let events = events.open_or_create().map_err(failed)?;
        Ok(Self { frames, events, _node: node })
    }
}

/// Carries one run's frames.
pub fn run(job: &Job) -> Result<Measured, CliError> {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let job = Job {
        address: format!("frame-ring-bench/{}/{}", process::id(), RUNS.fetch_add(1, Ordering::Relaxed)),
        // Every sample's memory is touched by both sides before the measurement, as the ring's is.
        warm_up: job.warm_up.max(2 * samples(job.payload_bytes) as u64),
        ..job.clone()
    };
    let services = Services::open(&job)?;
    let subscriber = services.frames.subscriber_builder().create().map_err(failed)?;
    let listener = services.events.listener_builder().create().map_err(failed)?;
    let mut peer = Peer::connecting(&job)?;
    peer.ready()?;
    peer.go()?;
    let mut meter = Meter::new(job.payload_bytes, 1);
    receive(&subscriber, &listener, &mut meter)?;
    meter.finish(|| Ok(vec![peer.report()?]))
}

fn receive(
    subscriber: &Subscriber<ipc::Service, [u8], ()>,
    listener: &Listener<ipc::Service>,
    meter: &mut Meter,
) -> Result<(), CliError> {
    loop {
        while let Some(sample) = subscriber.receive().map_err(failed)? {
            if !meter.take(sample.payload())? {
                return Ok(());
            }
        }
        listener.blocking_wait(|_| {}).map_err(failed)?;
    }
}

/// Sends one run's frames.
pub fn produce(job: &Job, control: &mut Control) -> Result<(), CliError> {
    let report = {
        let services = Services::open(job)?;
        let publisher = services
            .frames
            .publisher_builder()
            .initial_max_slice_len(job.payload_bytes)
            .max_loaned_samples(1)
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create()
            .map_err(failed)?;
        let notifier = services.events.notifier_builder().create().map_err(failed)?;
        let mut series = Series::new(job);
        control.wait_for_go()?;
        send(&publisher, &notifier, &mut series)?;
        series.report()?
        // What it has put into the file system goes away here, before the bench goes on.
    };
    control.report(report)
}

fn send(
    publisher: &Publisher<ipc::Service, [u8], ()>,
    notifier: &Notifier<ipc::Service>,
    series: &mut Series,
) -> Result<(), CliError> {
    while let Some(frame) = series.next_frame()? {
        let sample = publisher.loan_slice_uninit(frame.len()).map_err(failed)?;
        sample.write_from_slice(frame).send().map_err(failed)?;
        notifier.notify().map_err(failed)?;
    }
    Ok(())
}

fn samples(payload_bytes: usize) -> usize {
    (BUFFER_BYTES / payload_bytes).clamp(2, MOST_SAMPLES)
}

fn failed(why: impl std::fmt::Debug) -> CliError {
    CliError::failed("use iceoryx2", format!("{why:?}"))
}
