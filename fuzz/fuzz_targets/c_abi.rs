//! The C functions with any arguments: numbers of all kinds, structs full of anything, null and misaligned pointers, grants,
//! tracks and frames used again after their end. Every call answers; what is delivered lies inside the ring.
#![no_main]

use std::ffi::CStr;
use std::mem::{size_of, zeroed};
use std::ptr::{null, null_mut};

use arbitrary::Arbitrary;
use frame_ring_c::c_abi::descriptor::*;
use frame_ring_c::c_abi::format::*;
use frame_ring_c::c_abi::grant::*;
use frame_ring_c::c_abi::handle::*;
use frame_ring_c::c_abi::status::*;
use frame_ring_c::c_abi::track::*;
use frame_ring_c::consumer::*;
use frame_ring_c::error::frame_ring_last_error;
use frame_ring_c::frame::*;
use frame_ring_c::producer::*;
use libfuzzer_sys::fuzz_target;

const MOST_ACTIONS: usize = 48;

#[derive(Debug, Arbitrary)]
struct Input {
    data_bytes: u16,
    slots: u8,
    tracks: u8,
    actions: Vec<Action>,
}

/// Which pointer a call gets.
#[derive(Debug, Clone, Copy, PartialEq, Arbitrary)]
enum Pointer {
    Good,
    Good2,
    Good3,
    Null,
    Misaligned,
}

impl Pointer {
    fn to<T>(self, good: *mut T) -> *mut T {
        match self {
            Pointer::Null => null_mut(),
            Pointer::Misaligned => good.wrapping_byte_add(1),
            _ => good,
        }
    }
}

#[derive(Debug, Arbitrary)]
enum Action {
    Claim {
        producer: Pointer,
        grant: Pointer,
        len: u32,
        class: u8,
        wait: bool,
    },
    Commit {
        grant: Pointer,
        about: Pointer,
        len: Option<u32>,
        track: bool,
    },
    Abort {
        grant: Pointer,
    },
    /// A grant that was never given.
    ForgeGrant {
        len: u16,
        words: [u64; 2],
    },
    Describe {
        bytes: Vec<u8>,
        keep_size: bool,
    },
    Format {
        fourcc: u32,
        known: bool,
        width: u32,
        height: u32,
        align: u8,
    },
    Extension {
        ty: u16,
        data: Vec<u8>,
    },
    OpenTrack {
        info: Pointer,
        bytes: Vec<u8>,
        keep_size: bool,
    },
    Track {
        which: u8,
        now: u64,
    },
    Demand {
        track: u32,
        wanted: bool,
        size: (u16, u16),
        fps: u32,
    },
    Receive {
        frame: Pointer,
    },
    Plane {
        frame: Pointer,
        plane: u32,
    },
    Release {
        frame: Pointer,
    },
    Wake {
        wake: u32,
    },
    Attach {
        base: Pointer,
        bytes: u64,
        owner: u32,
    },
    Status {
        status: i32,
    },
}

struct World {
    ring: *mut frame_ring_consumer,
    producer: *mut frame_ring_producer,
    grant: frame_ring_grant,
    about: frame_ring_descriptor,
    track: frame_ring_track,
    frame: frame_ring_frame,
    data_bytes: u64,
}

/// Bytes over the beginning of a struct of integers.
fn overwrite<T>(to: &mut T, bytes: &[u8]) {
    let len = bytes.len().min(size_of::<T>());
    // SAFETY: both have so many bytes, and every bit pattern is a value of the structs that this is used for.
    unsafe { std::ptr::from_mut(to).cast::<u8>().copy_from(bytes.as_ptr(), len) };
}

fn is_error_told(status: frame_ring_status) {
    // SAFETY: both are strings that end in NUL.
    let (text, last) = unsafe {
        (CStr::from_ptr(frame_ring_status_text(status as i32)), CStr::from_ptr(frame_ring_last_error()))
    };
    assert!(!text.to_bytes().is_empty() && !text.to_string_lossy().starts_with("no status"));
    assert!(last.to_str().is_ok());
}

impl World {
    /// # Safety
    /// The world's handles are live.
    unsafe fn act(&mut self, action: &Action) {
        // SAFETY: pointers are null, misaligned or to what their types say; the handles are live.
        let status = unsafe {
            match *action {
                Action::Claim { producer, grant, len, class, wait } => frame_ring_producer_claim(
                    producer.to(self.producer),
                    len.into(),
                    class.into(),
                    u64::from(wait) * 1000,
                    grant.to(&mut self.grant),
                ),
                Action::Commit { grant, about, len, track } => {
                    let len = len.map_or(self.grant.len, u64::from);
                    let (grant, about) = (grant.to(&mut self.grant), about.to(&mut self.about));
                    if track {
                        frame_ring_producer_track_commit(self.producer, &mut self.track, grant, len, about, 1)
                    } else {
                        frame_ring_producer_commit(self.producer, grant, len, about)
                    }
                }
                Action::Abort { grant } => {
                    frame_ring_producer_abort(self.producer, grant.to(&mut self.grant))
                }
                Action::ForgeGrant { len, words } => {
                    let mut bytes = Vec::from(8usize.to_le_bytes());
                    bytes.extend(u64::from(len).to_le_bytes());
                    words.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
                    frame_ring_producer_abort(self.producer, &mut self.grant);
                    overwrite(&mut self.grant, &bytes);
                    FRAME_RING_OK
                }
                Action::Describe { ref bytes, keep_size } => {
                    let size = self.about.size;
                    overwrite(&mut self.about, bytes);
                    if keep_size {
                        self.about.size = size;
                    }
                    FRAME_RING_OK
                }
                Action::Format { fourcc, known, width, height, align } => {
                    let fourcc = if known { frame_ring_fourcc(b'N', b'V', b'1', b'2') } else { fourcc };
                    self.about.kind = 1;
                    let (video, mut bytes) = (&raw mut self.about.body.video, 0);
                    frame_ring_video_aligned(video, fourcc, width, height, align.into(), &mut bytes)
                }
                Action::Extension { ty, ref data } => {
                    frame_ring_descriptor_push_extension(&mut self.about, ty, data.as_ptr(), data.len())
                }
                Action::OpenTrack { info, ref bytes, keep_size } => {
                    let mut said: frame_ring_track_info = zeroed();
                    overwrite(&mut said, bytes);
                    if keep_size {
                        said.size = size_of::<frame_ring_track_info>() as u32;
                    }
                    let core = frame_ring_producer_core(self.producer);
                    frame_ring_core_track_close(core, &mut self.track);
                    frame_ring_core_track_open(core, info.to(&mut said), &mut self.track)
                }
                Action::Track { which, now } => {
                    let (core, track) = (frame_ring_producer_core(self.producer), &raw mut self.track);
                    let mut demand = zeroed();
                    match which % 5 {
                        0 => frame_ring_core_track_demand(core, track, now, &mut demand),
                        1 => frame_ring_core_track_dropped(core, track),
                        2 => frame_ring_core_track_unwanted(core, track),
                        3 => frame_ring_core_track_demand(core, track, now, null_mut()),
                        _ => frame_ring_core_track_close(core, track),
                    }
                }
                Action::Demand { track, wanted, size, fps } => {
                    let (max_width, max_height) = size;
                    let wanted = u32::from(wanted);
                    let demand = frame_ring_demand { wanted, max_width, max_height, max_fps_milli: fps };
                    frame_ring_consumer_set_demand(self.ring, track, &demand)
                }
                Action::Receive { frame } => {
                    frame_ring_frame_release(&mut self.frame);
                    let received = frame_ring_consumer_recv(self.ring, 0, frame.to(&mut self.frame));
                    self.check_frame();
                    received
                }
                Action::Plane { frame, plane } => {
                    let mut view = zeroed();
                    let seen = frame_ring_frame_plane(frame.to(&mut self.frame), plane, &mut view);
                    if seen == FRAME_RING_OK {
                        self.check_view(&view);
                    }
                    seen
                }
                Action::Release { frame } => frame_ring_frame_release(frame.to(&mut self.frame)),
                Action::Wake { wake } => frame_ring_producer_wake(self.producer, wake),
                Action::Attach { base, bytes, owner } => {
                    let mut page = Page([0; 4096]);
                    let mut core = zeroed();
                    let bytes = bytes.min(4096);
                    frame_ring_core_attach(&mut core, base.to(&raw mut page).cast(), bytes, owner)
                }
                Action::Status { status } => {
                    assert!(!frame_ring_status_text(status).is_null());
                    FRAME_RING_OK
                }
            }
        };
        if status != FRAME_RING_OK {
            is_error_told(status);
        }
    }

    fn check_frame(&self) {
        if !self.frame.data.is_null() {
            assert!(self.frame.len <= self.data_bytes && self.frame.producer > 0);
            // SAFETY: a frame in hand, all of whose bytes can be read.
            let sum =
                (0..self.frame.len).fold(0u8, |sum, at| sum ^ unsafe { *self.frame.data.add(at as usize) });
            std::hint::black_box(sum);
        }
    }

    fn check_view(&self, view: &frame_ring_view) {
        let (start, from) = (self.frame.data.addr() as u64, view.data.addr() as u64);
        assert!(from >= start && from + view.len <= start + self.frame.len, "{view:?} of {:?}", self.frame);
        assert!(view.rows == 0 || (view.rows - 1) * view.stride + view.row_bytes <= view.len, "{view:?}");
    }
}

#[repr(align(4096))]
#[allow(dead_code)]
struct Page([u8; 4096]);

fuzz_target!(|input: Input| {
    // SAFETY: all zeros are valid in these structs of integers and pointers.
    let (mut options, frame, track, mut about): (frame_ring_options, _, _, frame_ring_descriptor) =
        unsafe { (zeroed(), zeroed(), zeroed(), zeroed()) };
    options.size = size_of::<frame_ring_options>() as u32;
    options.data_bytes = input.data_bytes.into();
    (options.slots, options.tracks) = (u32::from(input.slots % 32), u32::from(input.tracks % 8));
    let (mut ring, mut producer, mut socket) = (null_mut(), null_mut(), -1);
    // SAFETY: the pointers are to this function's own variables; the socket is handed over.
    unsafe {
        assert_eq!(frame_ring_consumer_new(&options, &mut ring), FRAME_RING_OK);
        assert_eq!(frame_ring_consumer_invite(ring, &mut socket), FRAME_RING_OK);
        assert_eq!(frame_ring_producer_from_fd(socket, c"fuzzer".as_ptr(), &mut producer), FRAME_RING_OK);
        assert_eq!(frame_ring_producer_from_fd(-1, null(), &mut null_mut()), FRAME_RING_BAD_ARGUMENT);
        frame_ring_descriptor_init(&mut about);
    }
    let data_bytes =
        if input.data_bytes == 0 { 64 << 20 } else { u64::from(input.data_bytes).next_multiple_of(64) };
    let grant = frame_ring_grant::DONE;
    let mut world = World { ring, producer, grant, about, track, frame, data_bytes };
    for action in input.actions.iter().take(MOST_ACTIONS) {
        // SAFETY: the handles are freed below.
        unsafe { world.act(action) };
    }
    // SAFETY: the handles came from above, and nobody uses them any more.
    unsafe {
        frame_ring_producer_abort(producer, &mut world.grant);
        frame_ring_frame_release(&mut world.frame);
        frame_ring_producer_free(producer);
        frame_ring_consumer_free(ring);
    }
});
