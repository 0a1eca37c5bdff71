//! A region that was attached to.

use core::ffi::c_void;
use core::mem::{align_of, size_of};
use core::ptr::NonNull;

use super::status::*;
use super::{exclusive, shared};
use crate::arena::Arena;
use crate::claim::Class;
use crate::layout::{ABI_VERSION, PAGE};
use crate::port::Port;
use crate::region::Region;
use crate::sync::Ordering;

/// The version of the shared memory. Both sides of a ring must have the same one; the hand-over checks it.
#[unsafe(no_mangle)]
pub extern "C" fn frame_ring_abi_version() -> u32 {
    ABI_VERSION
}

/// A mapped ring, seen by one of its producers. It lies in memory of the caller's; what it holds is private.
///
/// Once attached, any number of threads may use it at once.
#[allow(non_camel_case_types)]
#[derive(Debug)]
#[repr(C)]
pub struct frame_ring_core {
    opaque: [u64; 16],
}

/// What an attached handle holds.
#[repr(C)]
pub(super) struct Attached {
    magic: u64,
    pub(super) port: Port,
}

/// Tells an attached handle from forgotten memory.
const ATTACHED: u64 = u64::from_le_bytes(*b"attached");

const _: () = assert!(size_of::<Attached>() <= size_of::<frame_ring_core>());
const _: () = assert!(align_of::<Attached>() <= align_of::<frame_ring_core>());

impl Attached {
    /// What a handle holds, if it was attached.
    ///
    /// # Safety
    /// A pointer that is neither null nor misaligned points to a live handle, whose region is mapped if it is attached.
    pub(super) unsafe fn of<'a>(handle: *const frame_ring_core) -> Result<&'a Self, frame_ring_status> {
        // SAFETY: the caller's promise.
        let handle = unsafe { shared(handle) }.ok_or(FRAME_RING_BAD_ARGUMENT)?;
        if handle.opaque[0] != ATTACHED {
            return Err(FRAME_RING_NOT_ATTACHED);
        }
        // SAFETY: the magic is written by `attach` alone, together with the rest of an `Attached`, which it begins.
        Ok(unsafe { &*core::ptr::from_ref(handle).cast::<Self>() })
    }
}

impl frame_ring_core {
    /// The handle of a ring that the caller has attached to by other means.
    pub fn of(port: Port) -> Self {
        let mut core = Self { opaque: [0; 16] };
        core.put(port);
        core
    }

    fn put(&mut self, port: Port) {
        let attached = Attached { magic: ATTACHED, port };
        // SAFETY: the handle is exclusively ours, and large and aligned enough, as asserted above.
        unsafe { core::ptr::from_mut(self).cast::<Attached>().write(attached) };
    }
}

/// A class of frames of its number, see [`frame_ring_class`].
pub fn class_of(number: u32) -> Result<Class, frame_ring_status> {
    match number {
        0 => Ok(Class::Video),
        1 => Ok(Class::Audio),
        2 => Ok(Class::Event),
        _ => Err(FRAME_RING_BAD_ARGUMENT),
    }
}

/// What a frame is, for the limits that keep sound and events alive when pictures flood the ring.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum frame_ring_class {
    /// May fill 7/8 of bytes and slots.
    FRAME_RING_CLASS_VIDEO = 0,
    /// May fill 31/32 of bytes and slots.
    FRAME_RING_CLASS_AUDIO = 1,
    /// May fill everything.
    FRAME_RING_CLASS_EVENT = 2,
}

/// Attaches to a ring in memory that the caller has mapped: `bytes` bytes at `base`, readable, writable and shared.
/// `owner` is the producer id in the consumer's answer to the hand-over, 1 to 255.
///
/// Preconditions: the mapping stays until `frame_ring_core_detach`; its file cannot shrink (it carries `F_SEAL_SHRINK`:
/// check that before you map it). What the memory holds does not matter: it is checked.
///
/// # Safety
/// The preconditions above, and `core` points to a live `frame_ring_core` that nobody else uses yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_attach(
    core: *mut frame_ring_core,
    base: *mut c_void,
    bytes: u64,
    owner: u32,
) -> frame_ring_status {
    let (Ok(owner @ 1..), Some(base)) = (u8::try_from(owner), NonNull::new(base.cast::<u8>())) else {
        return FRAME_RING_BAD_ARGUMENT;
    };
    if base.addr().get() % PAGE as usize != 0 {
        return FRAME_RING_BAD_ARGUMENT;
    }
    // SAFETY: the caller's promise.
    let Some(core) = (unsafe { exclusive(core) }) else { return FRAME_RING_BAD_ARGUMENT };
    core.opaque[0] = 0;
    // SAFETY: the base was just checked to be aligned; the caller promises the mapping, its permissions, its life and that
    // its file cannot shrink.
    match unsafe { Region::attach(base, bytes) } {
        Ok((region, _)) => {
            core.put(Port::new(region, owner));
            FRAME_RING_OK
        }
        Err(why) => why.into(),
    }
}

/// What a producer has done since it was connected.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub struct frame_ring_counters {
    /// Frames committed.
    pub frames: u64,
    /// Payload bytes committed.
    pub bytes: u64,
    /// Frames dropped because the bytes of their class were in use.
    pub full_bytes: u64,
    /// Frames dropped because the slots of their class were in use.
    pub full_slots: u64,
    /// Frames dropped because this ring can never hold them.
    pub too_long: u64,
    /// Frames not copied because the consumer did not want them.
    pub unwanted: u64,
    /// Claims given up.
    pub aborted: u64,
}

/// Reads the counters of this producer. They lie in shared memory: other processes may have overwritten them.
///
/// # Safety
/// `core` is null or points to a live handle; `counters` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_counters(
    core: *const frame_ring_core,
    counters: *mut frame_ring_counters,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let (core, counters) = unsafe { (Attached::of(core), exclusive(counters)) };
    let Some(counters) = counters else { return FRAME_RING_BAD_ARGUMENT };
    status(core.map(|core| {
        let entry = core.port.entry();
        let get = |counter: &crate::sync::AtomicU64| counter.load(Ordering::Relaxed);
        *counters = frame_ring_counters {
            frames: get(&entry.frames),
            bytes: get(&entry.bytes),
            full_bytes: get(&entry.full_bytes),
            full_slots: get(&entry.full_slots),
            too_long: get(&entry.too_long),
            unwanted: get(&entry.unwanted),
            aborted: get(&entry.aborted),
        };
    }))
}

/// Forgets the region: it may be unmapped now. No other thread may be using the handle. Unfinished grants of it are
/// buried by the consumer when it sees the connection end.
///
/// # Safety
/// `core` is null or points to a live handle that nobody else uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_detach(core: *mut frame_ring_core) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let Some(core) = (unsafe { exclusive(core) }) else { return FRAME_RING_BAD_ARGUMENT };
    if core.opaque[0] != ATTACHED {
        return FRAME_RING_NOT_ATTACHED;
    }
    core.opaque[0] = 0;
    FRAME_RING_OK
}

/// Whether the consumer has left the ring in good order: 1 yes, 0 no, or a negative status. One that was killed is
/// seen by the end of its connection only.
///
/// # Safety
/// `core` is null or points to a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_closed(core: *const frame_ring_core) -> i32 {
    // SAFETY: the caller's promise.
    match unsafe { Attached::of(core) } {
        // Acquire pairs with the consumer's Release.
        Ok(core) => i32::from(core.port.region().control().closed.0.load(Ordering::Acquire) != 0),
        Err(why) => why as i32,
    }
}

/// The longest frame of a class that this ring takes, in bytes; 0 if there is no such class or the handle is not
/// attached.
///
/// # Safety
/// `core` is null or points to a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_longest(core: *const frame_ring_core, class: u32) -> u64 {
    // SAFETY: the caller's promise.
    match (unsafe { Attached::of(core) }, class_of(class)) {
        (Ok(core), Ok(class)) => core.port.longest(class),
        _ => 0,
    }
}

/// The word that a consumer which sleeps on a futex waits on: `futex(word, FUTEX_WAKE, 1)`, not the private kind. Null if
/// the handle is not attached.
///
/// # Safety
/// `core` is null or points to a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_wake_word(core: *const frame_ring_core) -> *mut u32 {
    // SAFETY: the caller's promise.
    unsafe { Attached::of(core) }
        .map_or(core::ptr::null_mut(), |core| core.port.region().control().wake.0.as_ptr())
}
