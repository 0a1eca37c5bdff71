//! The receiving side: one consumer per ring.

mod error;
pub(crate) mod frame;
mod latest;
pub(crate) mod payload;
pub(crate) mod recv;
pub(crate) mod shared;

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use frame_ring_core::producers::ProducerStats;
use frame_ring_core::tracks::{self, Demand, TrackStats};
use frame_ring_core::walk::Order;

pub use error::RecvError;
use latest::Latest;
pub(crate) use shared::Shared;

use crate::handover::server::Server;
use crate::handover::Invitation;
use crate::lane::pump::Pump;
use crate::observe::Snapshot;

/// The one consumer of a ring; made by [`RingBuilder::build`](crate::RingBuilder::build).
///
/// `Send`: it may live on any thread, but receives on one at a time (`&mut self`). Its frames are independent of it.
/// Dropping it tells all producers that nobody reads any more; frames that are still held stay valid.
#[derive(Debug)]
pub struct Consumer {
    shared: Arc<Shared>,
    source: Source,
    latest: Latest,
    /// An error that came while there were frames to return.
    deferred: Option<RecvError>,
}

/// Where frames come from.
#[derive(Debug)]
enum Source {
    /// Producers that are handed the ring.
    Server(Server),
    /// The page of a lane.
    Lane(Box<Pump>),
}

impl Consumer {
    pub(crate) fn new(shared: Shared, users: Vec<u32>) -> io::Result<Self> {
        let shared = Arc::new(shared);
        let source = Source::Server(Server::start(shared.clone(), users)?);
        Ok(Self { shared, source, latest: Latest::default(), deferred: None })
    }

    pub(crate) fn of_lane(shared: Shared, pump: Pump) -> Self {
        let source = Source::Lane(Box::new(pump));
        Self { shared: Arc::new(shared), source, latest: Latest::default(), deferred: None }
    }

    pub(crate) fn pump(&self) -> Option<&Pump> {
        match &self.source {
            Source::Server(_) => None,
            Source::Lane(pump) => Some(pump),
        }
    }

    pub(crate) fn pump_mut(&mut self) -> Option<&mut Pump> {
        match &mut self.source {
            Source::Server(_) => None,
            Source::Lane(pump) => Some(pump),
        }
    }

    /// Serves the ring at a socket path, which is made with mode 0600 and removed when the consumer is dropped. May be
    /// called for several paths.
    ///
    /// # Errors
    /// `AddrInUse` if another consumer listens there, or if something else than a dead consumer's socket is in the way.
    /// `Unsupported` for a lane, whose one producer is its page.
    pub fn listen(&mut self, path: impl AsRef<Path>) -> io::Result<()> {
        match &mut self.source {
            Source::Server(server) => server.listen(path.as_ref()),
            Source::Lane(_) => Err(one_producer()),
        }
    }

    /// The right to connect for one producer that inherits a descriptor instead of knowing a path.
    ///
    /// The kernel names whoever made the socket pair as its peer, so such a producer is listed with this process's id.
    ///
    /// # Errors
    /// `Unsupported` for a lane, whose one producer is its page.
    pub fn invite(&self) -> io::Result<Invitation> {
        match &self.source {
            Source::Server(server) => server.invite().map(Invitation::new),
            Source::Lane(_) => Err(one_producer()),
        }
    }

    /// Promises that no producer writes to a frame that it has committed, so that [`Payload::as_slice`] may hand out
    /// plain slices.
    ///
    /// # Safety
    /// Every process that gets this ring must keep that promise for as long as the ring lives. A browser's renderer,
    /// which runs code from the web, is not such a process.
    ///
    /// [`Payload::as_slice`]: crate::Payload::as_slice
    pub unsafe fn trust_producers(&mut self) {
        self.shared.trusted.store(true, Ordering::Relaxed);
    }

    /// From now on delivers only the newest waiting picture of a track: older ones that were not received yet are
    /// given back, counted as skipped, when a newer one is there. Sound, events and the end of the track are never
    /// skipped. Turn it off with `false`.
    pub fn keep_latest(&mut self, track: u32, on: bool) {
        self.latest.set(track, on);
    }

    /// Says what is wanted of a track. Returns false if there is no such track (any more).
    pub fn set_demand(&self, track: u32, demand: Demand) -> bool {
        let Some(entry) = tracks::find(self.shared.region(), track) else { return false };
        entry.set_demand(&demand);
        if let (Some(lane), Some(pump)) = (&self.shared.lane, self.pump()) {
            pump.set_demand(lane, track, &demand);
        }
        true
    }

    /// What is known of every track, ended ones included until their entry is needed.
    pub fn tracks(&self) -> Vec<TrackStats> {
        let region = self.shared.region();
        (0..region.layout().tracks).filter_map(|i| region.track(i)?.read()).collect()
    }

    /// What is known of every producer, by id, those that are gone included until their id is needed.
    pub fn producer_stats(&self) -> Vec<(u8, ProducerStats)> {
        (1..=255).filter_map(|id| Some((id, self.shared.region().producer(id).read()?))).collect()
    }

    /// How many producers are connected.
    pub fn producers(&self) -> usize {
        self.shared.producers.load(Ordering::Relaxed)
    }

    /// How many times a frame was found only because a sleeping consumer looks at its ring once a second. It stays 0 as long
    /// as every process keeps to the protocol; otherwise somebody overwrites the ring's shared words, and frames come up to a
    /// second late.
    pub fn found_late(&self) -> u64 {
        self.shared.found_late.load(Ordering::Relaxed)
    }

    /// Whether frames may still come: somebody is connected, invited, or can connect.
    pub fn has_sources(&self) -> bool {
        self.shared.sources.load(Ordering::Acquire) > 0
    }

    /// The state of the ring at this moment.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.shared.memory)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

fn one_producer() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "a lane has one producer, its page; make a ring for others")
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// For how long a consumer sleeps before it looks at its ring again. Who must be woken is told by a word that every producer
/// can write: whoever wipes it makes others believe that nobody sleeps. That costs so much time, and not a frame.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The order of [`Consumer::recv`] and its siblings.
pub(crate) const DEFAULT_ORDER: Order = Order::PerProducer;
