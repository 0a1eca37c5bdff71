//! What the C ABI adds to a claim and a commit of a small frame: `cargo bench -p frame-ring-ffi`.
//!
//! Batches in Rust and through the C functions take turns on one thread; times are CPU times of that thread, medians of all
//! batches. The consumer takes the frames between the batches, outside of the measurement.

use std::hint::black_box;
use std::ptr;
use std::time::Duration;

use frame_ring::{Class, Consumer, Descriptor, Producer, RingBuilder};
use frame_ring_c::c_abi::descriptor::{frame_ring_descriptor, frame_ring_descriptor_init};
use frame_ring_c::c_abi::grant::{
    frame_ring_core_claim, frame_ring_core_commit, frame_ring_grant, frame_ring_wake,
};
use frame_ring_c::c_abi::status::FRAME_RING_OK;
use frame_ring_c::producer::{
    frame_ring_producer, frame_ring_producer_claim, frame_ring_producer_commit, frame_ring_producer_core,
    frame_ring_producer_free, frame_ring_producer_from_fd,
};
use std::os::fd::IntoRawFd;

const FRAMES: u32 = 512;
const BATCHES: usize = 2000;

fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for a write, and every thread has this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Times a batch, and has it received.
fn batch(ring: &mut Consumer, mut send: impl FnMut()) -> f64 {
    let start = cpu_time();
    for _ in 0..FRAMES {
        send();
    }
    let taken = (cpu_time() - start).as_nanos() as f64 / f64::from(FRAMES);
    for _ in 0..FRAMES {
        drop(ring.try_recv().expect("a sound ring").expect("a frame"));
    }
    taken
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn through_rust(producer: &Producer) {
    let grant = producer.try_claim(black_box(64), Class::Event).expect("room");
    grant.commit(black_box(&Descriptor::opaque())).expect("committed");
}

fn through_c(producer: *const frame_ring_producer, about: &frame_ring_descriptor) {
    let mut grant = frame_ring_grant::DONE;
    // SAFETY: the producer is live, and the grant and the descriptor are this function's and its caller's.
    let done = unsafe {
        (
            frame_ring_producer_claim(producer, black_box(64), 2, 0, &mut grant),
            frame_ring_producer_commit(producer, &mut grant, 64, black_box(about)),
        )
    };
    assert_eq!(done, (FRAME_RING_OK, FRAME_RING_OK));
}

/// As in a browser, where the host wakes.
fn through_the_core(producer: *const frame_ring_producer, about: &frame_ring_descriptor) {
    let (mut grant, mut wake) = (frame_ring_grant::DONE, frame_ring_wake::FRAME_RING_WAKE_NOBODY);
    // SAFETY: as above.
    let done = unsafe {
        let core = frame_ring_producer_core(producer);
        (
            frame_ring_core_claim(core, black_box(64), 2, &mut grant),
            frame_ring_core_commit(core, &mut grant, 64, black_box(about), &mut wake),
        )
    };
    assert_eq!(done, (FRAME_RING_OK, FRAME_RING_OK));
}

fn main() {
    let mut ring = RingBuilder::new().data_bytes(1 << 20).slots(1024).build().expect("a ring");
    let rust = Producer::from_fd(ring.invite().expect("a socket"), "in Rust").expect("a connection");
    let socket = ring.invite().expect("a socket").into_fd().into_raw_fd();
    let mut c = ptr::null_mut();
    // SAFETY: the descriptor is handed over; the label ends in NUL.
    let connected = unsafe { frame_ring_producer_from_fd(socket, c"in C".as_ptr(), &mut c) };
    assert_eq!(connected, FRAME_RING_OK);
    let mut about = std::mem::MaybeUninit::<frame_ring_descriptor>::zeroed();
    // SAFETY: zeroed memory for a descriptor, which the call initialises.
    let about = unsafe {
        frame_ring_descriptor_init(about.as_mut_ptr());
        about.assume_init()
    };
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..BATCHES {
        times[0].push(batch(&mut ring, || through_rust(&rust)));
        times[1].push(batch(&mut ring, || through_c(c, &about)));
        times[2].push(batch(&mut ring, || through_the_core(c, &about)));
    }
    let [rust, host, core] = times.map(median);
    println!("claim and commit of 64 B, CPU time of the thread, median of {BATCHES} batches of {FRAMES}:");
    println!("  Rust                     {rust:6.1} ns");
    println!("  C, frame_ring_producer_  {host:6.1} ns  ({:+.1} ns)", host - rust);
    println!("  C, frame_ring_core_      {core:6.1} ns  ({:+.1} ns)", core - rust);
    // SAFETY: it came from `frame_ring_producer_from_fd`, and nobody uses it any more.
    unsafe { frame_ring_producer_free(c) };
}
