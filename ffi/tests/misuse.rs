//! Wrong calls of the host layer are answered, and what is counted can be read.

use std::ffi::CStr;
use std::mem::{size_of, zeroed};
use std::ptr::{null, null_mut};

use frame_ring_c::c_abi::descriptor::{frame_ring_descriptor, frame_ring_descriptor_init};
use frame_ring_c::c_abi::grant::frame_ring_grant;
use frame_ring_c::c_abi::handle::{frame_ring_core_counters, frame_ring_counters};
use frame_ring_c::c_abi::status::*;
use frame_ring_c::c_abi::track::{
    frame_ring_core_track_open, frame_ring_core_track_unwanted, frame_ring_track_info,
};
use frame_ring_c::consumer::*;
use frame_ring_c::error::frame_ring_last_error;
use frame_ring_c::frame::*;
use frame_ring_c::producer::*;
use frame_ring_c::stats::frame_ring_consumer_tracks;

struct Pair {
    ring: *mut frame_ring_consumer,
    producer: *mut frame_ring_producer,
}

impl Pair {
    fn new() -> Self {
        let (mut ring, mut producer, mut socket) = (null_mut(), null_mut(), -1);
        // SAFETY: the pointers are to variables of this function, and the socket is handed over.
        unsafe {
            assert_eq!(frame_ring_consumer_new(null(), &mut ring), FRAME_RING_OK);
            assert_eq!(frame_ring_consumer_invite(ring, &mut socket), FRAME_RING_OK);
            assert_eq!(frame_ring_producer_from_fd(socket, c"test".as_ptr(), &mut producer), FRAME_RING_OK);
        }
        Self { ring, producer }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // SAFETY: both came from `new`, and nobody uses them any more.
        unsafe {
            frame_ring_producer_free(self.producer);
            frame_ring_consumer_free(self.ring);
        }
    }
}

fn last_error() -> String {
    // SAFETY: the sentence lives until this thread's next failure.
    unsafe { CStr::from_ptr(frame_ring_last_error()) }.to_str().expect("UTF-8").to_owned()
}

#[test]
fn wrong_arguments_are_named() {
    let pair = Pair::new();
    // SAFETY: every pointer is null or to a variable of this function; all zeros are valid in these structs.
    unsafe {
        assert_eq!(frame_ring_consumer_new(null(), null_mut()), FRAME_RING_BAD_ARGUMENT);
        let mut options: frame_ring_options = zeroed();
        let mut other = null_mut();
        assert_eq!(frame_ring_consumer_new(&options, &mut other), FRAME_RING_BAD_SIZE);
        options.size = size_of::<frame_ring_options>() as u32;
        options.data_bytes = u64::MAX;
        assert_eq!(frame_ring_consumer_new(&options, &mut other), FRAME_RING_BAD_ARGUMENT);
        assert!(other.is_null() && last_error().contains("8 GiB"), "{}", last_error());

        assert_eq!(frame_ring_consumer_listen(pair.ring, c"/no/such/place".as_ptr()), FRAME_RING_OS);
        assert!(last_error().contains("/no/such/place"), "{}", last_error());
        assert_eq!(frame_ring_consumer_listen(pair.ring, c"\xff".as_ptr()), FRAME_RING_BAD_STRING);
        let mut producer = null_mut();
        let nowhere = frame_ring_producer_connect(c"/no/such/socket".as_ptr(), c"x".as_ptr(), &mut producer);
        assert_eq!((nowhere, producer.is_null()), (FRAME_RING_UNREACHABLE, true));

        let mut frame: frame_ring_frame = zeroed();
        assert_eq!(frame_ring_frame_release(&mut frame), FRAME_RING_STALE_FRAME);
        assert_eq!(frame_ring_frame_plane(&frame, 0, &mut zeroed()), FRAME_RING_STALE_FRAME);
        assert_eq!(frame_ring_consumer_recv(pair.ring, 0, &mut frame), FRAME_RING_TIMEOUT);
        assert_eq!(frame_ring_consumer_recv(null(), 0, &mut frame), FRAME_RING_BAD_ARGUMENT);
        assert_eq!(frame_ring_producer_wake(pair.producer, 3), FRAME_RING_BAD_ARGUMENT);
        frame_ring_producer_free(null_mut());
        frame_ring_consumer_free(null_mut());
    }
}

#[test]
fn a_second_thread_is_told_that_the_consumer_is_busy() {
    let pair = Pair::new();
    let ring = pair.ring.addr();
    let receiver = std::thread::spawn(move || {
        let ring = std::ptr::with_exposed_provenance(ring);
        // Until it is in: the other thread may be in such a call just now.
        loop {
            // SAFETY: the consumer is freed after this thread has been joined; the frame is this call's own.
            let received = unsafe { frame_ring_consumer_recv(ring, 1_000_000_000, &mut zeroed()) };
            if received != FRAME_RING_BUSY {
                return received;
            }
        }
    });
    pair.ring.expose_provenance();
    let mut told = FRAME_RING_TIMEOUT;
    while !receiver.is_finished() && told != FRAME_RING_BUSY {
        // SAFETY: as above.
        told = unsafe { frame_ring_consumer_recv(pair.ring, 0, &mut zeroed()) };
    }
    assert_eq!(told, FRAME_RING_BUSY);
    assert_eq!(receiver.join().expect("no panic"), FRAME_RING_TIMEOUT);
}

#[test]
fn what_was_sent_is_counted() {
    let pair = Pair::new();
    // SAFETY: every pointer is to a variable of this function; all zeros are valid in these structs.
    unsafe {
        let core = frame_ring_producer_core(pair.producer);
        let (mut about, mut grant): (frame_ring_descriptor, _) = (zeroed(), frame_ring_grant::DONE);
        frame_ring_descriptor_init(&mut about);
        assert_eq!(frame_ring_producer_claim(pair.producer, 100, 2, 0, &mut grant), FRAME_RING_OK);
        assert_eq!(frame_ring_producer_commit(pair.producer, &mut grant, 100, &about), FRAME_RING_OK);
        assert_eq!(frame_ring_producer_claim(pair.producer, 100, 2, 0, &mut grant), FRAME_RING_OK);
        assert_eq!(frame_ring_producer_abort(pair.producer, &mut grant), FRAME_RING_OK);
        assert_eq!(frame_ring_producer_claim(pair.producer, 1 << 40, 0, 0, &mut grant), FRAME_RING_TOO_LONG);
        let mut info: frame_ring_track_info = zeroed();
        (info.size, info.kind) = (size_of::<frame_ring_track_info>() as u32, 2);
        info.label[0] = b'x' as _;
        let mut track = zeroed();
        assert_eq!(frame_ring_core_track_open(core, &info, &mut track), FRAME_RING_OK);
        assert_eq!(frame_ring_core_track_unwanted(core, &mut track), FRAME_RING_OK);
        let mut counted = frame_ring_counters::default();
        assert_eq!(frame_ring_core_counters(core, &mut counted), FRAME_RING_OK);
        let expected = frame_ring_counters {
            frames: 1,
            bytes: 100,
            aborted: 1,
            too_long: 1,
            unwanted: 1,
            ..Default::default()
        };
        assert_eq!(counted, expected);

        let (mut tracks, mut count) = ([zeroed(), zeroed()], 0);
        let told = frame_ring_consumer_tracks(pair.ring, tracks.as_mut_ptr(), 2, &mut count);
        assert_eq!((told, count), (FRAME_RING_OK, 1));
        assert_eq!((tracks[0].live, tracks[0].kind, tracks[0].unwanted), (1, 2, 1));
        assert_eq!(CStr::from_ptr(tracks[0].label.as_ptr()), c"x");
        assert_eq!(frame_ring_consumer_tracks(pair.ring, null_mut(), 1, &mut count), FRAME_RING_BAD_ARGUMENT);
    }
}
