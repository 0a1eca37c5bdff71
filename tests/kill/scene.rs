//! What the victim does between its marks, and what is arranged around it.

use frame_ring::{Class, Descriptor, Producer};

use crate::stepper;
use crate::support::{child, Random, HANG};

/// Bytes of the victim's frame: several cache lines, and few instructions to copy.
pub const LEN: usize = 300;

/// A scene that a producer is killed in, at every instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// Claim, fill, commit.
    Send,
    /// Claim, fill half of it, give it up.
    Abort,
    /// Commit while the consumer sleeps on the futex.
    WakeFutex,
    /// Commit while the consumer sleeps on the eventfd.
    WakeEventFd,
    /// Claim where only a pad fits, fill, commit.
    Pad,
    /// Claim while another claimant is stopped between the two steps of its claim, fill, commit.
    Help,
    /// Wait for room, sleep, claim, fill, commit.
    Wait,
}

impl Scene {
    /// What the victim is told to do.
    pub fn role(self) -> &'static str {
        match self {
            Scene::Send | Scene::Pad | Scene::Help => "send",
            Scene::Abort => "abort",
            Scene::WakeFutex | Scene::WakeEventFd => "commit",
            Scene::Wait => "wait",
        }
    }

    pub fn commits(self) -> bool {
        self != Scene::Abort
    }
}

/// The payload of the victim that was given `seed`.
pub fn payload(seed: u64) -> Vec<u8> {
    Random::new(seed).bytes(LEN)
}

/// What it says of its frame.
pub fn descriptor(seed: u64) -> Descriptor {
    Descriptor { pts_ns: Some(seed as i64), duration_ns: 7, ..Descriptor::opaque() }
}

/// The role of a victim: says its id, submits, does its deed, and is killed at the second mark at the latest.
pub fn victim(argument: &str) {
    let (deed, seed) = argument.split_once(' ').expect("two words");
    let seed = seed.parse().expect("a number");
    let (bytes, about) = (payload(seed), descriptor(seed));
    let producer = child::connect("victim");
    child::say(&producer.id().to_string());
    match deed {
        "send" => {
            stepper::submit();
            fill_and_commit(&producer, None, &bytes, &about);
        }
        "wait" => {
            stepper::submit();
            fill_and_commit(&producer, Some(HANG), &bytes, &about);
        }
        "abort" => {
            stepper::submit();
            let mut grant = producer.try_claim(LEN, Class::Video).expect("room");
            grant.write_at(0, &bytes[..LEN / 2]);
            drop(grant);
        }
        "commit" => {
            let mut grant = producer.try_claim(LEN, Class::Video).expect("room");
            grant.write_at(0, &bytes);
            stepper::submit();
            grant.commit(&about).expect("committed");
        }
        other => panic!("no deed {other}"),
    }
    stepper::mark();
    child::hear();
}

fn fill_and_commit(
    producer: &Producer,
    patience: Option<std::time::Duration>,
    bytes: &[u8],
    about: &Descriptor,
) {
    let mut grant = match patience {
        None => producer.try_claim(LEN, Class::Video),
        Some(patience) => producer.claim_timeout(LEN, Class::Video, patience),
    }
    .expect("room");
    grant.write_at(0, &bytes[..LEN / 2]);
    grant.write_at(LEN / 2, &bytes[LEN / 2..]);
    grant.commit(about).expect("committed");
}
