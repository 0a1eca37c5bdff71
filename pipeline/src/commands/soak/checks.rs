//! What must hold, and whether it does.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Something that must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Frames are what their producers made, when they come and while they are held.
    Content,
    /// Frames of one producer come in its order, and in that of their numbers.
    Order,
    /// What is missing in a track's numbers is what its next frame tells of.
    InBand,
    /// Every track that has ended well adds up exactly.
    Ended,
    /// Every track of a producer that was killed adds up, but for the frame in flight.
    Killed,
    /// Producers end only when they are told to or killed, and find room for their tracks.
    Producers,
    /// A full ring refuses pictures before it refuses sound.
    PicturesFirst,
    /// The consumer's memory does not grow.
    Memory,
    /// Nor does the number of its descriptors.
    Descriptors,
    /// In the end the ring is empty, and all of it can be claimed.
    Capacity,
}

impl Check {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 10] = [
        Self::Content,
        Self::Order,
        Self::InBand,
        Self::Ended,
        Self::Killed,
        Self::Producers,
        Self::PicturesFirst,
        Self::Memory,
        Self::Descriptors,
        Self::Capacity,
    ];

    /// Its name in JSON.
    pub fn key(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Order => "order",
            Self::InBand => "in_band",
            Self::Ended => "ended",
            Self::Killed => "killed",
            Self::Producers => "producers",
            Self::PicturesFirst => "pictures_first",
            Self::Memory => "memory",
            Self::Descriptors => "descriptors",
            Self::Capacity => "capacity",
        }
    }

    /// What it says, for people.
    pub fn claim(self) -> &'static str {
        match self {
            Self::Content => "every frame is what its producer made, also after it was held",
            Self::Order => "frames of one producer come in order",
            Self::InBand => "every gap in a track's numbers is told of by its next frame",
            Self::Ended => {
                "tracks that ended: sent = received, offered = sent + dropped = received + told + untold"
            }
            Self::Killed => "tracks of the killed: the same, but for one frame in flight of each process",
            Self::Producers => "no producer ended by itself, ids and tracks came again",
            Self::PicturesFirst => "pictures are dropped before sound",
            Self::Memory => "memory flat",
            Self::Descriptors => "descriptors flat",
            Self::Capacity => "all capacity there in the end",
        }
    }
}

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Its name.
    pub check: &'static str,
    /// Whether it holds; `None` if the soak was too short to say.
    pub holds: Option<bool>,
    /// How often it was made.
    pub made: u64,
    /// How often it failed.
    pub failed: u64,
    /// The first failure, or what was compared.
    pub detail: Option<String>,
}

/// All checks, for all threads.
#[derive(Debug, Default)]
pub struct Checks(Mutex<[State; Check::ALL.len()]>);

#[derive(Debug, Default, Clone)]
struct State {
    made: u64,
    failed: u64,
    detail: Option<String>,
}

impl Checks {
    /// Notes that a check was made, with what came of it. Returns whether it holds.
    pub fn note<E: std::fmt::Display>(&self, check: Check, found: Result<(), E>) -> bool {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut states[check as usize];
        state.made += 1;
        let Err(why) = &found else { return true };
        if state.failed == 0 {
            state.detail = Some(why.to_string());
        }
        state.failed += 1;
        false
    }

    /// Notes that a check holds, and what was compared.
    pub fn holds(&self, check: Check, detail: String) {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut states[check as usize];
        state.made += 1;
        state.detail.get_or_insert(detail);
    }

    /// Failures so far.
    pub fn failed(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|state| state.failed).sum()
    }

    /// All verdicts.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let states = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let verdict = |(check, State { made, failed, detail }): (Check, State)| Verdict {
            check: check.key(),
            holds: (made > 0).then_some(failed == 0),
            made,
            failed,
            detail,
        };
        Check::ALL.into_iter().zip(states).map(verdict).collect()
    }
}
