//! Making a ring, serving it, receiving.

use std::cell::UnsafeCell;
use std::ffi::{c_char, c_int};
use std::mem::MaybeUninit;
use std::os::fd::IntoRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::frame_ring_core::c_abi::status::*;
use ::frame_ring_core::c_abi::track::frame_ring_demand;
use ::frame_ring_core::c_abi::{exclusive, shared};
use frame_ring::{Consumer, Demand, RingBuilder};

use crate::error::{bad_argument, build_code, fail, recv_code, text};
use crate::frame::frame_ring_frame;
use crate::producer::FRAME_RING_FOREVER;

/// How large a ring is to be. Zeros stand for the defaults: 64 MiB, 1024 slots, 64 tracks.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct frame_ring_options {
    /// `sizeof(struct frame_ring_options)`.
    pub size: u32,
    /// How many frames can be in the ring at once, those held included.
    pub slots: u32,
    /// Bytes for payloads, up to 8 GiB.
    pub data_bytes: u64,
    /// How many tracks there can be at once.
    pub tracks: u32,
    /// 1: ask for huge pages. 2: make all pages present now. Or both.
    pub flags: u32,
    /// A name for people, or null.
    pub name: *const c_char,
}

/// Of `frame_ring_options.flags`: ask for huge pages.
pub const FRAME_RING_HUGE_PAGES: u32 = 1;
/// Of `frame_ring_options.flags`: make all pages present now.
pub const FRAME_RING_PREFAULT: u32 = 2;

/// The one consumer of a ring. It may live on any thread; one thread at a time calls its functions, and a second one that calls
/// meanwhile is told `FRAME_RING_BUSY`.
#[allow(non_camel_case_types)]
#[derive(Debug)]
pub struct frame_ring_consumer {
    busy: AtomicBool,
    consumer: UnsafeCell<Consumer>,
}

impl frame_ring_consumer {
    /// Makes a call, unless another thread is in one.
    fn with<R>(
        &self,
        call: impl FnOnce(&mut Consumer) -> Result<R, frame_ring_status>,
    ) -> Result<R, frame_ring_status> {
        // Acquire pairs with the Release below: what the last thread has done is visible.
        if self.busy.swap(true, Ordering::Acquire) {
            return Err(fail(FRAME_RING_BUSY, "another thread is in a call with this consumer"));
        }
        // SAFETY: `busy` was false and is true now: no other thread is here, and nothing below calls back.
        let done = call(unsafe { &mut *self.consumer.get() });
        self.busy.store(false, Ordering::Release);
        done
    }

    /// # Safety
    /// `consumer` is null or a live consumer.
    pub(crate) unsafe fn call<R>(
        consumer: *const Self,
        call: impl FnOnce(&mut Consumer) -> Result<R, frame_ring_status>,
    ) -> Result<R, frame_ring_status> {
        // SAFETY: the caller's promise.
        unsafe { shared(consumer) }.ok_or_else(|| bad_argument("consumer"))?.with(call)
    }
}

/// Makes a ring. `options` may be null. To be freed with `frame_ring_consumer_free`; null after a failure.
///
/// # Safety
/// `options` is null or points to options whose name is null or ends in NUL; `consumer` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_consumer_new(
    options: *const frame_ring_options,
    consumer: *mut *mut frame_ring_consumer,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let (options, to) = unsafe { (options.as_ref(), exclusive(consumer)) };
    let Some(to) = to else { return bad_argument("consumer") };
    *to = std::ptr::null_mut();
    status(options.map_or(Ok(RingBuilder::new()), builder).and_then(|builder| {
        let consumer = UnsafeCell::new(builder.build().map_err(|why| build_code(&why))?);
        *to = Box::into_raw(Box::new(frame_ring_consumer { busy: AtomicBool::new(false), consumer }));
        Ok(())
    }))
}

fn builder(options: &frame_ring_options) -> Result<RingBuilder, frame_ring_status> {
    if options.size as usize != size_of::<frame_ring_options>() {
        let why = format_args!("options of {} bytes, not {}", options.size, size_of::<frame_ring_options>());
        return Err(fail(FRAME_RING_BAD_SIZE, why));
    }
    let mut builder = RingBuilder::new()
        .huge_pages(options.flags & FRAME_RING_HUGE_PAGES != 0)
        .prefault(options.flags & FRAME_RING_PREFAULT != 0);
    if options.data_bytes != 0 {
        builder = builder.data_bytes(options.data_bytes);
    }
    if options.slots != 0 {
        builder = builder.slots(options.slots);
    }
    if options.tracks != 0 {
        builder = builder.tracks(options.tracks);
    }
    if !options.name.is_null() {
        // SAFETY: not null; the caller of `frame_ring_consumer_new` promises that it ends in NUL.
        builder = builder.name(unsafe { text("name", options.name) }?);
    }
    Ok(builder)
}

/// Leaves the ring: producers are told so. Frames that are held stay valid. Null is fine.
///
/// # Safety
/// `consumer` is null or came from `frame_ring_consumer_new`, was not freed yet, and nobody is in a call with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_consumer_free(consumer: *mut frame_ring_consumer) {
    if !consumer.is_null() {
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(consumer) });
    }
}

/// Serves the ring at a socket path, which is made with mode 0600 and removed with the consumer.
///
/// # Safety
/// `consumer` is null or a live consumer; `path` is null or ends in NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_consumer_listen(
    consumer: *const frame_ring_consumer,
    path: *const c_char,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    status(unsafe { text("path", path) }.and_then(|path| {
        let listen = |ring: &mut Consumer| {
            ring.listen(path).map_err(|why| fail(FRAME_RING_OS, format_args!("{path}: {why}")))
        };
        // SAFETY: the caller's promise.
        unsafe { frame_ring_consumer::call(consumer, listen) }
    }))
}

/// The right to connect for one producer, as a socket: the caller's to pass on or close. -1 after a failure.
///
/// # Safety
/// `consumer` is null or a live consumer; `fd` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_consumer_invite(
    consumer: *const frame_ring_consumer,
    fd: *mut c_int,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let Some(fd) = (unsafe { exclusive(fd) }) else { return bad_argument("fd") };
    *fd = -1;
    let invite = |ring: &mut Consumer| ring.invite().map_err(|why| fail(FRAME_RING_OS, why));
    // SAFETY: the caller's promise.
    status(
        unsafe { frame_ring_consumer::call(consumer, invite) }
            .map(|socket| *fd = socket.into_fd().into_raw_fd()),
    )
}

/// Receives the next frame into `frame`, which holds none; waits at most for `timeout_ns` (0 not at all, `FRAME_RING_FOREVER`).
/// `FRAME_RING_TIMEOUT` and `FRAME_RING_DISCONNECTED` bring no frame; nor does `FRAME_RING_BAD_FRAME`, after which to go on.
///
/// # Safety
/// `consumer` is null or a live consumer; `frame` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_consumer_recv(
    consumer: *const frame_ring_consumer,
    timeout_ns: u64,
    frame: *mut frame_ring_frame,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let Some(to) = (unsafe { exclusive(frame.cast::<MaybeUninit<frame_ring_frame>>()) }) else {
        return bad_argument("frame");
    };
    frame_ring_frame::clear(to);
    let recv = |ring: &mut Consumer| {
        let received = match timeout_ns {
            0 => ring.try_recv(),
            FRAME_RING_FOREVER => ring.recv().map(Some),
            ns => ring.recv_timeout(Duration::from_nanos(ns)),
        };
        received.map_err(recv_code)
    };
    // SAFETY: the caller's promise.
    status(unsafe { frame_ring_consumer::call(consumer, recv) }.and_then(|received| match received {
        Some(frame) => {
            frame_ring_frame::put(to, frame);
            Ok(())
        }
        None => Err(fail(FRAME_RING_TIMEOUT, "nothing came before the time was up")),
    }))
}

/// From now on (`on` 1, or 0 to end it) delivers only the newest waiting picture of a track.
///
/// # Safety
/// `consumer` is null or a live consumer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_consumer_keep_latest(
    consumer: *const frame_ring_consumer,
    track: u32,
    on: c_int,
) -> frame_ring_status {
    let keep = |ring: &mut Consumer| {
        ring.keep_latest(track, on != 0);
        Ok(())
    };
    // SAFETY: the caller's promise.
    status(unsafe { frame_ring_consumer::call(consumer, keep) })
}

/// Says what is wanted of a track. `FRAME_RING_STALE_TRACK` if there is no such track (any more).
///
/// # Safety
/// `consumer` is null or a live consumer; `demand` is null or points to a demand.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_consumer_set_demand(
    consumer: *const frame_ring_consumer,
    track: u32,
    demand: *const frame_ring_demand,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let Some(demand) = (unsafe { shared(demand) }) else { return bad_argument("demand") };
    let demand = Demand {
        wanted: demand.wanted != 0,
        max_size: (demand.max_width, demand.max_height),
        max_fps_milli: demand.max_fps_milli,
    };
    let set = |ring: &mut Consumer| {
        let why = || fail(FRAME_RING_STALE_TRACK, format_args!("the ring has no track {track}"));
        ring.set_demand(track, demand).then_some(()).ok_or_else(why)
    };
    // SAFETY: the caller's promise.
    status(unsafe { frame_ring_consumer::call(consumer, set) })
}

/// How many producers are connected, or a negative status.
///
/// # Safety
/// `consumer` is null or a live consumer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_consumer_producers(consumer: *const frame_ring_consumer) -> c_int {
    // SAFETY: the caller's promise.
    match unsafe { frame_ring_consumer::call(consumer, |ring| Ok(ring.producers())) } {
        Ok(producers) => c_int::try_from(producers).unwrap_or(c_int::MAX),
        Err(why) => why as c_int,
    }
}
