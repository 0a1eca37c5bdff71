//! Who must be woken, and when nobody need be: the decisions, not the system calls.
//!
//! The consumer stores how it sleeps, fences, looks at the ring once more and sleeps. A producer publishes, fences and
//! looks at that word. One of the two fences comes first, so either the producer sees the sleeper or the sleeper sees
//! the frame (the classic store-buffering pattern). Both sides change the word by read-modify-writes: see
//! `docs/design.md`.
//! An awake consumer therefore costs its producers no system call.
//!
//! A producer counts itself in the word and only then makes the system call. It may be stopped or killed between the two, so
//! the count says no more than that somebody is about to wake. Whoever publishes before the consumer has taken its
//! announcement back wakes it, too: the first few, and then every one that doubles the count. So no stopped producer keeps
//! the consumer asleep for all, and a consumer that is slow to get up costs few calls. (To clear the word before the call
//! lets one stopped producer silence all others; a call for each frame was measured at half of all frames on a busy machine.)

use crate::arena::Control;
use crate::sync::{fence, Ordering};

/// How a consumer waits, and what a producer must do to wake it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sleep {
    /// It waits on the futex of the wake word: wake one waiter there.
    Futex = 1,
    /// It waits for the ring's eventfd: write a 1 to it.
    EventFd = 2,
}

/// The low bits of the word say how the consumer sleeps, the high ones how many producers have seen it asleep. The count
/// also keeps a consumer from falling asleep when somebody has: the futex only waits for a word without one.
const HOW: u32 = 7;
const SEEN: u32 = 8;

/// So many producers make the call whatever the count: more of them would have to be stopped at one instruction each.
const EAGER: u32 = 4;

fn sleeper(word: u32) -> Option<Sleep> {
    match word & HOW {
        0 => None,
        1 => Some(Sleep::Futex),
        // Any other value is a scribbler's; the eventfd is the one that a sleeper of either kind can miss at no harm.
        _ => Some(Sleep::EventFd),
    }
}

/// Says that the consumer is about to sleep. It must look at the ring once more before it does.
pub fn announce_sleep(control: &Control, how: Sleep) {
    control.wake.0.swap(how as u32, Ordering::AcqRel);
    // Pairs with the fence in `after_publish`.
    fence(Ordering::SeqCst);
}

/// Says that the consumer is awake. Returns whether a producer has already sent, or is about to send, a wake.
pub fn announce_awake(control: &Control) -> bool {
    control.wake.0.swap(0, Ordering::AcqRel) / SEEN != 0
}

/// Called by a producer behind every commit and abort: whom it must wake now.
#[inline]
#[must_use = "a consumer that sleeps is not woken by anybody else"]
pub fn after_publish(control: &Control) -> Option<Sleep> {
    // Who counts itself below decides by what it finds there.
    asleep(control)?;
    let word = control.wake.0.fetch_add(SEEN, Ordering::AcqRel);
    let before = word / SEEN;
    if before < EAGER || before.is_power_of_two() {
        sleeper(word)
    } else {
        None
    }
}

/// How the consumer sleeps, if it does; for whoever has something to say to it that no producer repeats.
#[inline]
pub fn asleep(control: &Control) -> Option<Sleep> {
    // Pairs with the fence in `announce_sleep`.
    fence(Ordering::SeqCst);
    // Relaxed: the fences order it.
    sleeper(control.wake.0.load(Ordering::Relaxed))
}

/// Says that a producer is about to sleep until there is space; returns the value on which it must wait.
///
/// It must try to claim once more before it sleeps, and sleep only while the word of `space` still has this value. The
/// word is odd while somebody waits and never comes back to an earlier value: with a plain flag, a producer whose wake
/// has just passed would go to sleep on the flag that another one has raised again.
#[must_use = "another value of the word may be that of a later sleeper"]
pub fn announce_wait_for_space(control: &Control) -> u32 {
    let waiting = control.space.0.fetch_or(1, Ordering::AcqRel) | 1;
    // Pairs with the fence in `after_release`.
    fence(Ordering::SeqCst);
    waiting
}

/// Called by the consumer behind every release that moved `head`, and when it closes the ring: whether producers sleep
/// on the space futex.
#[must_use = "producers that wait for space are not woken by anybody else"]
pub fn after_release(control: &Control) -> bool {
    // Pairs with the fence in `announce_wait_for_space`.
    fence(Ordering::SeqCst);
    // Relaxed: the fences order it. Adding 1 to an odd word says "nobody waits" with a value that is new.
    control.space.0.load(Ordering::Relaxed) & 1 != 0
        && control.space.0.fetch_add(1, Ordering::AcqRel) & 1 != 0
}
