//! Who must be woken, and when nobody need be: the decisions, not the system calls.
//!
//! The consumer stores how it sleeps, fences, looks at the ring once more and sleeps. A producer publishes, fences and
//! looks at that word. One of the two fences comes first, so either the producer sees the sleeper or the sleeper sees
//! the frame (the classic store-buffering pattern). Both sides change the word by read-modify-writes: see
//! `docs/design.md`.
//! An awake consumer therefore costs its producers no system call.
//!
//! A producer marks the word and only then makes the system call. It may be stopped or killed between the two, so a mark
//! says no more than that somebody is about to wake: whoever publishes while the consumer has not taken its announcement
//! back wakes it, too. To clear the word instead would let one stopped producer keep the consumer asleep for all.

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

/// A producer has seen the sleeper and wakes it, or was about to.
///
/// It also keeps a consumer from falling asleep on a word that says so: the futex only waits for one of the values above.
const WOKEN: u32 = 4;

/// Says that the consumer is about to sleep. It must look at the ring once more before it does.
pub fn announce_sleep(control: &Control, how: Sleep) {
    control.wake.0.swap(how as u32, Ordering::AcqRel);
    // Pairs with the fence in `after_publish`.
    fence(Ordering::SeqCst);
}

/// Says that the consumer is awake. Returns whether a producer has already sent, or is about to send, a wake.
pub fn announce_awake(control: &Control) -> bool {
    control.wake.0.swap(0, Ordering::AcqRel) & WOKEN != 0
}

/// Called by a producer behind every commit and abort: whom it must wake now.
#[inline]
#[must_use = "a consumer that sleeps is not woken by anybody else"]
pub fn after_publish(control: &Control) -> Option<Sleep> {
    // Pairs with the fence in `announce_sleep`.
    fence(Ordering::SeqCst);
    // Relaxed: the fences order it; what is marked below decides.
    if control.wake.0.load(Ordering::Relaxed) & !WOKEN == 0 {
        return None;
    }
    match control.wake.0.fetch_or(WOKEN, Ordering::AcqRel) & !WOKEN {
        0 => None,
        1 => Some(Sleep::Futex),
        // Any other value is a scribbler's; the eventfd is the one that a sleeper of either kind can miss at no harm.
        _ => Some(Sleep::EventFd),
    }
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
