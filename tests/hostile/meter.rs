//! What the consumer's calls may cost: bytes allocated and time.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::support::HANG;

thread_local! {
    /// Bytes that this thread has ever allocated.
    static ALLOCATED: Cell<u64> = const { Cell::new(0) };
}

/// Bytes of the whole process that are allocated now.
static LIVE: AtomicI64 = AtomicI64::new(0);

/// The system's allocator, counted.
struct Counted;

#[global_allocator]
static COUNTED: Counted = Counted;

// SAFETY: every call goes to `System` as it came; the counters allocate nothing.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get() + layout.size() as u64);
        LIVE.fetch_add(layout.size() as i64, Relaxed);
        // SAFETY: the caller keeps to the contract of `GlobalAlloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as i64, Relaxed);
        // SAFETY: as above; `ptr` came from `System`.
        unsafe { System.dealloc(ptr, layout) }
    }
}

/// No call may allocate more than that, whatever the ring of at most 128 slots and 4 tracks holds: twice the 255 entries of
/// the producer table, and as many frames in waiting as there are slots.
pub const ALLOCATION: u64 = 512 << 10;

/// The most that a call has allocated so far.
static MOST: AtomicU64 = AtomicU64::new(0);

/// Makes one of the consumer's calls, and sees that it was bounded.
pub fn bounded<T>(what: &str, call: impl FnOnce() -> T) -> T {
    let (start, before) = (Instant::now(), ALLOCATED.get());
    let result = call();
    let allocated = ALLOCATED.get() - before;
    MOST.fetch_max(allocated, Relaxed);
    assert!(allocated <= ALLOCATION, "{what} allocated {allocated} bytes");
    assert!(start.elapsed() < HANG, "{what} took for ever");
    result
}

pub fn most_allocated() -> u64 {
    MOST.load(Relaxed)
}

/// Kills the process, loudly, when it has not made a step for too long: a call that never returns can't be seen otherwise.
#[derive(Debug, Default)]
pub struct Watchdog(std::sync::Arc<AtomicU64>);

impl Watchdog {
    pub fn start() -> Self {
        let dog = Self::default();
        let steps = dog.0.clone();
        std::thread::spawn(move || {
            let (mut seen, mut since) = (0, Instant::now());
            loop {
                std::thread::sleep(Duration::from_secs(1));
                match steps.load(Relaxed) {
                    same if same == seen && since.elapsed() > HANG => {
                        eprintln!("nothing has moved for {HANG:?}: a call never returns");
                        std::process::abort();
                    }
                    same if same == seen => {}
                    now => (seen, since) = (now, Instant::now()),
                }
            }
        });
        dog
    }

    pub fn step(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// In a child: a panic ends the process at once. Unwinding would wait for what a panic in the middle has left undone.
pub fn exit_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |why| {
        report(why);
        std::process::exit(101);
    }));
}

/// What a process holds that it could leak.
#[derive(Debug, Clone, Copy)]
pub struct Belongings {
    pub descriptors: usize,
    pub mapped_rings: usize,
    pub heap: i64,
    pub resident: u64,
}

impl Belongings {
    pub fn now() -> Self {
        Self {
            descriptors: crate::support::open_descriptors(),
            mapped_rings: crate::traffic::mapped_rings().len(),
            heap: LIVE.load(Relaxed),
            resident: resident(),
        }
    }

    /// Whether as little is held as before: descriptors and mappings exactly, memory but for what allocators keep.
    pub fn are_as(&self, before: &Self) -> bool {
        (self.descriptors, self.mapped_rings) == (before.descriptors, before.mapped_rings)
            && self.heap <= before.heap + (256 << 10)
            && self.resident <= before.resident + slack()
    }
}

/// AddressSanitizer keeps what was freed, up to 256 MiB.
fn slack() -> u64 {
    if std::env::var_os("ASAN_OPTIONS").is_some() {
        512 << 20
    } else {
        64 << 20
    }
}

fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("/proc");
    let pages: u64 = statm.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
    pages * 4096
}
