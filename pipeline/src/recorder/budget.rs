//! How much may wait for the writers at once.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::signals;

/// A number of bytes to be shared out. Clones share one budget.
#[derive(Debug, Clone)]
pub struct Budget {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    limit: u64,
    used: Mutex<u64>,
    returned: Condvar,
}

/// A part of a budget. Dropping it gives it back.
#[derive(Debug)]
pub struct Reserved {
    inner: Arc<Inner>,
    bytes: u64,
}

/// How often who waits looks whether the user wants to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Budget {
    /// A budget of which nothing is used.
    pub fn new(bytes: u64) -> Self {
        Self { inner: Arc::new(Inner { limit: bytes, used: Mutex::new(0), returned: Condvar::new() }) }
    }

    /// Takes `bytes`, or `None` if they are not there. More than the whole budget is given to who is alone. With `wait`,
    /// waits for others to return theirs, and gives up when the user wants to stop.
    pub fn reserve(&self, bytes: u64, wait: bool) -> Option<Reserved> {
        let Inner { limit, used, returned } = &*self.inner;
        let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
        while *used > 0 && *used + bytes > *limit {
            if !wait || signals::stop_requested() {
                return None;
            }
            used = returned.wait_timeout(used, LOOK_EVERY).unwrap_or_else(PoisonError::into_inner).0;
        }
        *used += bytes;
        Some(Reserved { inner: self.inner.clone(), bytes })
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        *self.inner.used.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.inner.returned.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_given_than_there_is() {
        let budget = Budget::new(100);
        let first = budget.reserve(60, false).unwrap();
        assert!(budget.reserve(41, false).is_none());
        let second = budget.clone().reserve(40, false).unwrap();
        drop(first);
        let third = budget.reserve(60, false).unwrap();
        assert!(budget.reserve(1, false).is_none());
        drop((second, third));
        assert!(budget.reserve(100, false).is_some());
    }

    #[test]
    fn more_than_there_is_passes_alone() {
        let budget = Budget::new(100);
        let large = budget.reserve(1000, false).unwrap();
        assert!(budget.reserve(1, false).is_none());
        drop(large);
        let _small = budget.reserve(1, false).unwrap();
        assert!(budget.reserve(1000, false).is_none());
    }

    #[test]
    fn who_waits_gets_what_others_return() {
        let budget = Budget::new(100);
        let held = budget.reserve(100, false).unwrap();
        let waiter = std::thread::spawn({
            let budget = budget.clone();
            move || budget.reserve(100, true).is_some()
        });
        drop(held);
        assert!(waiter.join().unwrap());
    }
}
