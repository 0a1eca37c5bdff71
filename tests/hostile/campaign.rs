//! Rounds of a scribbling process against rings in use: how many words, what became of the rings.
//!
//! `FRAME_RING_HOSTILE_WORDS` says how many words at least; a round ends when its share is written or its ring is
//! poisoned. It all runs in a process of its own, because it counts what that process holds.

use std::ops::AddAssign;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use frame_ring::{
    Consumer, Demand, Descriptor, Frame, Hub, HubItem, Observer, Producer, RecvError, RingBuilder, RingId,
};

use crate::board::Board;
use crate::meter::{bounded, most_allocated, Belongings, Watchdog};
use crate::scribbler::{Kind, Scribbler};
use crate::support::child::{self, Actor};
use crate::support::raw::{seqpacket, Raw};
use crate::support::{next, producer, until, Random, TempDir, HANG};
use crate::traffic::{send_honestly, with_data_area, Fate, Witness};

const WORDS: u64 = 2_000_000;
const MOST_WORDS_A_RING: u64 = 500_000;
/// However fast the garbage comes, a ring is received from so many times.
const LEAST_TURNS: u64 = 50;
/// However slowly it comes, on a machine that has other things to do, a ring is done with after that.
const MOST_TIME: Duration = Duration::from_secs(1);
/// So that each kind meets each size of a ring, and a hub.
const LEAST_RINGS: u64 = 20;

/// Data bytes and slots.
const SIZES: [(u64, u32); 4] = [(64 << 10, 32), (4 << 10, 2), (16 << 10, 8), (256 << 10, 128)];

/// The scribbling process: joins the rings that it is told of and writes for as long as their round is on.
pub fn scribble(board: &str) {
    // SAFETY: sets which signal this process gets when its parent is gone: it must not scribble on alone.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    let board = Board::open(Path::new(board));
    loop {
        let line = child::hear();
        let [round, kind, path] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("three words") };
        let round = round.parse().expect("a number");
        let raw = Raw::join_over(seqpacket(Path::new(path)), "scribbler");
        let mut scribbler = Scribbler::new(&raw, round);
        let kind = Kind::from_name(kind);
        child::say("attached");
        while board.round() != round {
            std::thread::yield_now();
        }
        while board.round() == round {
            board.add_words((0..burst(round)).map(|_| scribbler.scribble(kind)).sum());
            std::thread::yield_now();
        }
        child::say("done");
    }
}

/// How many times a scribbler writes before it lets others go on: from one word between two of their steps to thousands.
fn burst(round: u64) -> u64 {
    1 << (3 * (round % 5))
}

/// What came of one kind of garbage.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    rings: u64,
    words: u64,
    frames: u64,
    bad: u64,
    poisoned: u64,
    refused: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.rings += more.rings;
        self.words += more.words;
        self.frames += more.frames;
        self.bad += more.bad;
        self.poisoned += more.poisoned;
        self.refused += more.refused;
    }
}

impl Tally {
    fn say(&self, what: &str, since: Instant) {
        let Self { rings, words, frames, bad, poisoned, refused } = self;
        child::say(&format!(
            "{what:12} {words:>10} words, {rings:>5} rings, {poisoned:>5} poisoned, {frames:>9} frames received, \
             {bad:>8} bad ones, {refused:>8} refused to honest producers, {:>6.1} s",
            since.elapsed().as_secs_f64()
        ));
    }
}

/// The whole campaign.
pub fn run() {
    let words =
        std::env::var("FRAME_RING_HOSTILE_WORDS").map_or(WORDS, |n| n.parse().expect("a number of words"));
    let start = Instant::now();
    let dir = TempDir::new();
    let board = dir.join("board");
    let mut stage = Stage {
        // Before the other process opens it.
        board: Board::create(&board),
        scribbler: Actor::start("scribble", board.to_str().expect("text")),
        dir,
        dog: Watchdog::start(),
        round: 0,
    };
    // What is made once and kept is there from now on.
    (0..4).for_each(|_| assert_eq!(stage.round(Kind::Payloads, 1000).poisoned, 0));
    let before = Belongings::now();
    let mut all = Tally::default();
    for (at, kind) in Kind::ALL.into_iter().enumerate() {
        let (kinds, left) = (Kind::ALL.len() as u64, words.saturating_sub(all.words));
        let share = (left / (kinds - at as u64)).max(words / kinds / 2);
        // A kind that poisons rings with its first words would never use up its share.
        let most_poisoned = 24 + words / 4_000_000;
        let (mut tally, since) = (Tally::default(), Instant::now());
        while (tally.words < share || tally.rings < LEAST_RINGS) && tally.poisoned < most_poisoned {
            tally += stage.round(kind, share.div_ceil(8).min(MOST_WORDS_A_RING));
        }
        tally.say(&format!("{kind:?}"), since);
        all += tally;
    }
    all.say("all", start);
    assert!(all.words >= words && all.poisoned > 0 && all.frames > 0 && all.bad > 0, "{all:?}");
    until("as much is held as before", || Belongings::now().are_as(&before));
    child::say(&format!("before {before:?}"));
    child::say(&format!(
        "after  {:?}; the dearest call allocated {} bytes",
        Belongings::now(),
        most_allocated()
    ));
    child::say("end");
}

struct Stage {
    scribbler: Actor,
    board: Board,
    dir: TempDir,
    dog: Watchdog,
    round: u64,
}

impl Stage {
    /// One ring, until it is poisoned or `budget` words were written, fewer by a slow scribbler; then a fresh one, which
    /// works.
    fn round(&mut self, kind: Kind, budget: u64) -> Tally {
        self.round += 1;
        let round = self.round;
        let budget = budget.min(2000 * burst(round));
        let path = self.dir.join("ring");
        let (data, slots) = SIZES[(round / 5 % 4) as usize];
        let build = || RingBuilder::new().data_bytes(data).slots(slots).tracks(4).build().expect("a ring");
        let (mut ring, area) = with_data_area(build);
        ring.listen(&path).expect("a socket");
        // They come before the header is spoilt.
        let honest = [producer(&ring, "honest"), producer(&ring, "honest, too")];
        let observer = Observer::connect(&path).expect("an observer");
        self.scribbler.tell(&format!("{round} {kind:?} {}", path.display()));
        self.scribbler.expect("attached");
        self.board.reset_words();

        let ids = honest.iter().map(|producer| producer.id()).collect();
        let mut witness = Witness::new(area, kind, ids);
        let mut mouth = if round % 3 == 0 { Mouth::in_a_hub(ring) } else { Mouth::Alone(ring) };
        let (stop, fate) = (AtomicBool::new(false), Fate::default());
        let mut tally = Tally { rings: 1, ..Tally::default() };
        std::thread::scope(|scope| {
            for producer in &honest {
                scope.spawn(|| send_honestly(producer, &fate, &stop));
            }
            self.board.set_round(round);
            let (mut random, mut turns, start) = (Random::new(round), 0, Instant::now());
            let goes_on = |turns| {
                turns < LEAST_TURNS || self.board.words_written() < budget && start.elapsed() < MOST_TIME
            };
            while tally.poisoned == 0 && goes_on(turns) {
                turns += 1;
                self.dog.step();
                match receive(&mut mouth, &mut witness, &mut random) {
                    Ok(bad) => tally.bad += bad,
                    Err(why) => {
                        tally.words = self.board.words_written();
                        assert!(!kind.spares_the_chain(), "{kind:?}: {why}");
                        tally.poisoned = 1;
                    }
                }
                look_around(&mut mouth, &observer, &mut random, slots, data);
            }
            if tally.poisoned == 0 {
                tally.words = self.board.words_written();
            }
            self.board.set_round(0);
            stop.store(true, Ordering::Relaxed);
        });
        self.scribbler.expect("done");
        self.dog.step();
        // Frames in hand outlive the poison and the consumer.
        witness.look_again();
        drop(mouth);
        witness.look_again();
        tally.frames = witness.frames;
        tally.refused = [&fate.full, &fate.corrupt, &fate.closed, &fate.revoked]
            .iter()
            .map(|n| n.load(Ordering::Relaxed))
            .sum();
        fresh_ring_works();
        tally
    }
}

fn fresh_ring_works() {
    let mut ring = crate::support::ring(1 << 16);
    producer(&ring, "fresh").send(b"fresh", &Descriptor::opaque()).expect("room");
    assert_eq!(crate::support::text(&next(&mut ring)), "fresh");
}

/// The ring under attack, received from directly or through a hub with a good ring beside it.
enum Mouth {
    Alone(Consumer),
    Hub {
        hub: Hub,
        bad: RingId,
        good: RingId,
        sender: Producer,
        turns: u64,
    },
    /// Poisoned and given back by its hub.
    Out(Box<Consumer>),
}

impl Mouth {
    fn in_a_hub(ring: Consumer) -> Self {
        let mut hub = Hub::new().expect("a hub");
        let good = crate::support::ring(1 << 12);
        let sender = producer(&good, "good");
        let (bad, good) = (hub.add(ring).expect("added"), hub.add(good).expect("added"));
        Mouth::Hub { hub, bad, good, sender, turns: 0 }
    }

    fn ring(&mut self) -> Option<&mut Consumer> {
        match self {
            Mouth::Alone(ring) => Some(ring),
            Mouth::Hub { hub, bad, .. } => hub.ring(*bad),
            Mouth::Out(ring) => Some(ring),
        }
    }

    /// What comes of the ring under attack when it is received from in one of the ways that there are.
    fn next(&mut self, random: &mut Random) -> Vec<Result<Frame, RecvError>> {
        let wait = Duration::from_micros(100);
        let one = |received: Result<Option<Frame>, RecvError>| received.transpose().into_iter().collect();
        match self {
            Mouth::Alone(ring) => match random.below(5) {
                0 => one(bounded("recv_timeout", || ring.recv_timeout(wait))),
                1 => one(bounded("recv_in_claim_order", || ring.recv_in_claim_order(wait))),
                2 => {
                    let mut frames = Vec::new();
                    let batch = bounded("recv_batch", || ring.recv_batch(&mut frames, 5, Duration::ZERO));
                    frames.into_iter().map(Ok).chain(batch.err().map(Err)).collect()
                }
                _ => one(bounded("try_recv", || ring.try_recv())),
            },
            Mouth::Hub { .. } => self.turn(),
            Mouth::Out(_) => panic!("poisoned already"),
        }
    }

    /// Puts a frame into the ring beside the bad one and turns the hub until it comes out.
    fn turn(&mut self) -> Vec<Result<Frame, RecvError>> {
        let Mouth::Hub { hub, bad, good, sender, turns } = self else { return Vec::new() };
        *turns += 1;
        sender.send(&turns.to_le_bytes(), &Descriptor::opaque()).expect("room in the good ring");
        let (mut received, mut out) = (Vec::new(), None);
        // The bad ring may have a backlog when the hub looks for others only now and then, but no more than that.
        for _ in 0..100 {
            match bounded("hub", || hub.recv_timeout(HANG)).expect("no error").expect("a frame in time") {
                HubItem::Frame(from, frame) if from == *good => {
                    assert_eq!(frame.payload().to_vec(), turns.to_le_bytes());
                    if let Some(ring) = out {
                        *self = Mouth::Out(ring);
                    }
                    return received;
                }
                HubItem::Frame(from, frame) if from == *bad => received.push(Ok(frame)),
                HubItem::Error(from, why, ring) if from == *bad => {
                    received.push(Err(why));
                    out = out.or(ring);
                }
                other => panic!("{other:?}"),
            }
        }
        panic!("the ring beside it is kept waiting")
    }
}

/// Receives some frames in all ways. Returns how many bad ones there were, or that the ring is poisoned.
fn receive(mouth: &mut Mouth, witness: &mut Witness, random: &mut Random) -> Result<u64, RecvError> {
    let mut bad = 0;
    for _ in 0..20 {
        for received in mouth.next(random) {
            match received {
                Ok(frame) => witness.see(frame),
                Err(why @ RecvError::BadFrame { .. }) => {
                    assert!(!why.to_string().is_empty());
                    bad += 1;
                }
                Err(why @ RecvError::Poisoned(_)) => {
                    assert!(!why.to_string().is_empty());
                    return Err(why);
                }
                Err(why) => panic!("{why}"),
            }
        }
        let keep = random.below(8) as usize;
        bounded("release", || witness.release(keep, random));
    }
    Ok(bad)
}

/// Looks at everything but frames.
fn look_around(mouth: &mut Mouth, observer: &Observer, random: &mut Random, slots: u32, data: u64) {
    let seen = bounded("an observer's snapshot", || observer.snapshot());
    let Some(ring) = mouth.ring() else { return };
    for snapshot in [seen, bounded("snapshot", || ring.snapshot())] {
        assert!(snapshot.slots.len() <= slots as usize && snapshot.used_bytes <= data);
        assert!(snapshot.tracks.len() <= 4 && snapshot.producers.len() <= 255);
        let _ = (snapshot.name(), snapshot.oldest_held_ns());
        if random.below(64) == 0 {
            assert!(format!("{snapshot:?}").len() < 1 << 20);
        }
    }
    for track in bounded("tracks", || ring.tracks()) {
        let info = track.info.unwrap_or_default();
        assert!(
            info.label.to_string().chars().count() <= 56
                && info.participant.to_string().chars().count() <= 40
        );
        let _ = track.latency_below_us(0.99);
        bounded("set_demand", || ring.set_demand(track.id, Demand { max_fps_milli: 3, ..Demand::ALL }));
    }
    // Opaque frames and events have no track; pictures have the first one mostly.
    ring.keep_latest(1, random.below(2) == 0);
    assert!(bounded("producer_stats", || ring.producer_stats()).len() <= 255);
    let _ = (ring.producers(), ring.has_sources());
}
