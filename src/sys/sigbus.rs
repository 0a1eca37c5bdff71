//! A guard for mappings of files that somebody else can shorten.
//!
//! To touch a page behind the end of a mapped file is a SIGBUS, which ends the process. The handler here puts a page of
//! zeros in its place if it lies in a guarded mapping, and notes that it did; any other SIGBUS goes where it went before.
//! The handler is the process's, installed with the first guard, and stays.

use std::io;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::atomic::{fence, AtomicBool, AtomicUsize, Ordering};
use std::sync::OnceLock;

/// Mappings that can be guarded at once.
const GUARDS: usize = 1024;

/// One guarded mapping, as a signal handler can read it: `version` is odd while the two others are written.
#[derive(Debug)]
struct Place {
    taken: AtomicBool,
    version: AtomicUsize,
    start: AtomicUsize,
    len: AtomicUsize,
    hit: AtomicBool,
}

static PLACES: [Place; GUARDS] = [const {
    Place {
        taken: AtomicBool::new(false),
        version: AtomicUsize::new(0),
        start: AtomicUsize::new(0),
        len: AtomicUsize::new(0),
        hit: AtomicBool::new(false),
    }
}; GUARDS];

/// What was done about a SIGBUS before, or why nothing can be done about one now.
static BEFORE: OnceLock<Result<libc::sigaction, i32>> = OnceLock::new();
static PAGE: AtomicUsize = AtomicUsize::new(0);

/// A guarded mapping. To be dropped before the mapping is.
#[derive(Debug)]
pub(crate) struct Guard {
    place: &'static Place,
}

impl Guard {
    /// Guards `len` bytes from `start`: a page of them that is gone becomes a page of zeros that is private to this process.
    ///
    /// # Safety
    /// The bytes are one mapping of the caller's, whole pages, and stay so until the guard is dropped.
    pub(crate) unsafe fn new(start: NonNull<u8>, len: usize) -> io::Result<Self> {
        install()?;
        let is_free = |place: &&Place| !place.taken.swap(true, Ordering::Acquire);
        let place = PLACES.iter().find(is_free).ok_or_else(|| {
            io::Error::other(format!("all {GUARDS} guards are in use; read the lane as LaneRead::Copied"))
        })?;
        place.hit.store(false, Ordering::Relaxed);
        place.write(start.as_ptr() as usize, len);
        Ok(Self { place })
    }

    /// Whether a page of the mapping was gone.
    pub(crate) fn was_hit(&self) -> bool {
        self.place.hit.load(Ordering::Relaxed)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.place.write(0, 0);
        self.place.taken.store(false, Ordering::Release);
    }
}

impl Place {
    fn write(&self, start: usize, len: usize) {
        self.version.fetch_add(1, Ordering::Relaxed);
        // Pairs with the fence in `holds`: who sees one of the new values sees the odd version.
        fence(Ordering::Release);
        self.start.store(start, Ordering::Relaxed);
        self.len.store(len, Ordering::Relaxed);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Whether the mapping holds `address`. Not while it is being written: a mapping is guarded before it is used and given
    /// up when nobody uses it, so that is another one.
    fn holds(&self, address: usize) -> bool {
        let before = self.version.load(Ordering::Acquire);
        let (start, len) = (self.start.load(Ordering::Relaxed), self.len.load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        before % 2 == 0 && self.version.load(Ordering::Relaxed) == before && address.wrapping_sub(start) < len
    }
}

fn install() -> io::Result<()> {
    let before = BEFORE.get_or_init(|| {
        // SAFETY: no pointers.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        PAGE.store(page as usize, Ordering::Relaxed);
        let mut before = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: both actions are valid for their reads and writes, an all-zero one is valid; the handler calls only what
        // is async-signal-safe.
        let failed = unsafe {
            let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
            action.sa_sigaction = on_sigbus as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(libc::SIGBUS, &action, before.as_mut_ptr()) != 0
        };
        match failed {
            true => Err(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL)),
            // SAFETY: the successful call has written it.
            false => Ok(unsafe { before.assume_init() }),
        }
    });
    before.as_ref().map(drop).map_err(|errno| io::Error::from_raw_os_error(*errno))
}

/// Async-signal-safe: atomics, mmap, sigaction.
extern "C" fn on_sigbus(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes valid pointers; `si_addr` is what a SIGBUS carries.
    let (address, code) = unsafe { ((*info).si_addr() as usize, (*info).si_code) };
    if code == libc::BUS_ADRERR {
        if let Some(place) = PLACES.iter().find(|place| place.holds(address)) {
            place.hit.store(true, Ordering::Relaxed);
            if put_zeros(address) {
                return;
            }
        }
    }
    pass_on(signal, info, context);
}

/// Puts a page of zeros where the page of `address` is gone.
fn put_zeros(address: usize) -> bool {
    let page = PAGE.load(Ordering::Relaxed);
    // SAFETY: the thread-local errno of the interrupted code is put back; the page lies in a mapping whose owner asked for
    // this (`Guard::new`).
    unsafe {
        let errno = *libc::__errno_location();
        let put = libc::mmap(
            (address & !(page - 1)) as *mut libc::c_void,
            page,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
            -1,
            0,
        );
        *libc::__errno_location() = errno;
        put != libc::MAP_FAILED
    }
}

/// Does what was done about a SIGBUS before there were guards.
fn pass_on(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let Some(Ok(before)) = BEFORE.get() else { return default_action(signal) };
    match before.sa_sigaction {
        libc::SIG_DFL | libc::SIG_IGN => default_action(signal),
        handler if before.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: a handler installed with SA_SIGINFO has this signature.
            let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) =
                unsafe { std::mem::transmute(handler) };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: a handler installed without SA_SIGINFO has this signature.
            let handler: extern "C" fn(i32) = unsafe { std::mem::transmute(handler) };
            handler(signal);
        }
    }
}

/// Takes the handler away: the access that faulted is made again when it returns, and ends the process.
fn default_action(signal: i32) {
    // SAFETY: an all-zero action is SIG_DFL with no flags.
    unsafe {
        let action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        libc::sigaction(signal, &action, std::ptr::null_mut());
    }
}
