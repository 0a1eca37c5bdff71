//! Received frames and their views.

use std::mem::{align_of, size_of, MaybeUninit};
use std::os::fd::BorrowedFd;

use ::frame_ring_core::c_abi::descriptor::frame_ring_descriptor;
use ::frame_ring_core::c_abi::status::*;
use ::frame_ring_core::c_abi::{exclusive, shared};
use frame_ring::{Frame, Payload};

use crate::error::{bad_argument, fail};

/// A received frame, in memory of the caller's. Its bytes stay as they are until `frame_ring_frame_release`, from any thread;
/// frames may be released in any order, also after their consumer was freed. Move it by hand-over, not by copy: whoever
/// releases two copies gives somebody else's frame back.
///
/// The bytes lie in memory that producers can write to: a producer that is not trusted may change them while you read.
#[allow(non_camel_case_types)]
#[derive(Debug)]
#[repr(C)]
pub struct frame_ring_frame {
    /// The first byte, a multiple of 64; 64 bytes behind the last one can be read, too. Null once it was released.
    pub data: *const u8,
    /// Number of bytes.
    pub len: u64,
    /// Its place in the order of claims.
    pub claim_index: u64,
    /// The producer that sent it, 1 to 255.
    pub producer: u32,
    /// How many frames of its track were dropped in favour of this one.
    pub skipped_before: u32,
    /// What the producer says of it; its format lies inside the payload.
    pub descriptor: frame_ring_descriptor,
    inside: [u64; 40],
}

/// A part of a frame: one plane of a picture, or one channel of a block of sound.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct frame_ring_view {
    /// Its first byte.
    pub data: *const u8,
    /// Bytes from the first to the last one.
    pub len: u64,
    /// Bytes from one row to the next; of sound: all.
    pub stride: u64,
    /// Number of rows; of sound: 1.
    pub rows: u64,
    /// Bytes of each row that are picture, the rest is padding; of sound: all.
    pub row_bytes: u64,
}

const _: () = assert!(size_of::<Frame>() <= size_of::<[u64; 40]>());
const _: () = assert!(align_of::<Frame>() <= align_of::<u64>());

impl frame_ring_frame {
    /// Fills memory that holds no frame, or one that was released.
    pub(crate) fn put(to: &mut MaybeUninit<Self>, frame: Frame) {
        let payload = frame.payload();
        let mut filled = Self {
            data: payload.as_ptr(),
            len: payload.len() as u64,
            claim_index: frame.claim_index(),
            producer: frame.producer().into(),
            skipped_before: frame.skipped_before(),
            descriptor: frame.descriptor().into(),
            inside: [0; 40],
        };
        // SAFETY: `inside` is ours, and large and aligned enough, as asserted above.
        unsafe { filled.inside.as_mut_ptr().cast::<Frame>().write(frame) };
        to.write(filled);
    }

    /// Says that there is no frame.
    pub(crate) fn clear(to: &mut MaybeUninit<Self>) {
        // SAFETY: all zeros are a released frame.
        unsafe { to.as_mut_ptr().write_bytes(0, 1) };
    }

    fn inside(&self) -> Result<&Frame, frame_ring_status> {
        if self.data.is_null() {
            return Err(fail(FRAME_RING_STALE_FRAME, "the frame was released before"));
        }
        // SAFETY: `data` is not null only between `put`, which writes a `Frame`, and `release`, which takes it.
        Ok(unsafe { &*self.inside.as_ptr().cast() })
    }
}

fn view(payload: Payload<'_>, stride: usize, rows: usize, row_bytes: usize) -> frame_ring_view {
    let [len, stride, rows, row_bytes] = [payload.len(), stride, rows, row_bytes].map(|n| n as u64);
    frame_ring_view { data: payload.as_ptr(), len, stride, rows, row_bytes }
}

/// Gives a frame's bytes back to the producers.
///
/// # Safety
/// `frame` is null or points to a frame that was received, or to zeros; nobody else uses it, nor its bytes any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_frame_release(frame: *mut frame_ring_frame) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let Some(frame) = (unsafe { exclusive(frame) }) else { return bad_argument("frame") };
    if let Err(why) = frame.inside() {
        return why;
    }
    frame.data = std::ptr::null();
    // SAFETY: as `inside` has just seen; nobody takes it again, `data` being null now.
    drop(unsafe { frame.inside.as_ptr().cast::<Frame>().read() });
    FRAME_RING_OK
}

/// Plane `plane` of a picture, or channel `plane` of planar sound (0: all of it, where channels alternate).
/// `FRAME_RING_BAD_ARGUMENT` if the frame has none such, or its pixel format is not known to this version.
///
/// # Safety
/// `frame` is null or points to a live frame; `to` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_frame_plane(
    frame: *const frame_ring_frame,
    plane: u32,
    to: *mut frame_ring_view,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let (Some(frame), Some(to)) = (unsafe { (shared(frame), exclusive(to)) }) else {
        return bad_argument("frame or view");
    };
    status(frame.inside().and_then(|frame| {
        let plane = plane as usize;
        let picture = frame.video().and_then(|video| video.plane(plane));
        let sound = || frame.audio().and_then(|audio| audio.plane(plane));
        *to = match picture {
            Some(plane) => view(plane.bytes(), plane.stride(), plane.rows(), plane.row_bytes()),
            None => sound().map(|bytes| view(bytes, bytes.len(), 1, bytes.len())).ok_or_else(|| {
                fail(FRAME_RING_BAD_ARGUMENT, format_args!("the frame has no plane {plane}"))
            })?,
        };
        Ok(())
    }))
}

/// Writes all bytes of a frame to a file descriptor, straight from the ring.
///
/// # Safety
/// `frame` is null or points to a live frame; `fd` stays open during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_frame_write(
    frame: *const frame_ring_frame,
    fd: i32,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let Some(frame) = (unsafe { shared(frame) }) else { return bad_argument("frame") };
    if fd < 0 {
        return bad_argument("fd");
    }
    // SAFETY: the caller promises that it stays open.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    status(
        frame.inside().and_then(|frame| frame.payload().write_to(fd).map_err(|why| fail(FRAME_RING_OS, why))),
    )
}
