//! What the ring's own steps cost, within one process: `cargo bench`, or `cargo bench -- --quick`.
//!
//! Times are CPU times of the measuring thread, so that other programs on the machine matter less. From process to
//! process, and beside other transports, `frame-ring bench` measures.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{criterion_group, criterion_main, BenchmarkId, Criterion, Throughput};
use frame_ring::{ClaimError, Class, Consumer, Descriptor, Payload, Producer, RingBuilder};

/// A frame of 1080p in I420.
const PICTURE: usize = 1920 * 1080 * 3 / 2;
/// 10 ms of stereo sound.
const SOUND: usize = 3840;
const MIB: u64 = 1 << 20;

/// The CPU time of the calling thread.
struct CpuTime;

impl CpuTime {
    fn now() -> Duration {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is valid for a write, and every thread has this clock.
        unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }
}

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        Self::now()
    }
    fn end(&self, start: Duration) -> Duration {
        Self::now() - start
    }
    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }
    fn zero(&self) -> Duration {
        Duration::ZERO
    }
    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }
    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn ring(data_bytes: u64, slots: u32) -> (Consumer, Producer) {
    let mut ring = RingBuilder::new().data_bytes(data_bytes).slots(slots).build().expect("memory for a ring");
    // SAFETY: its only producers are in this file, and write to nothing that they have committed.
    unsafe { ring.trust_producers() };
    let producer = connect(&ring);
    (ring, producer)
}

fn connect(ring: &Consumer) -> Producer {
    Producer::from_fd(ring.invite().expect("a socket pair"), "bench").expect("a connection")
}

/// Adds up all words: loads every cache line, as somebody does who uses the frame.
fn read(payload: Payload<'_>) -> u64 {
    sum(payload.as_slice().expect("producers are trusted"))
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.chunks_exact(8).fold(0, |sum, word| sum.wrapping_add(word.try_into().map_or(0, u64::from_le_bytes)))
}

/// One small frame through the ring, on one thread: no copying worth the name, no cache misses, nobody else.
fn one_frame(c: &mut Criterion<CpuTime>) {
    let (mut ring, producer) = ring(64 * MIB, 1024);
    let (bytes, descriptor) = ([7; 64], Descriptor::opaque());
    let mut group = c.benchmark_group("64 B on one thread");
    group.bench_function("claim, commit, receive, release", |b| {
        b.iter(|| {
            let mut grant = producer.try_claim(bytes.len(), Class::Video).expect("room");
            grant.write_at(0, &bytes);
            grant.commit(&descriptor).expect("a true descriptor");
            let frame = ring.try_recv().expect("a sound ring").expect("a frame");
            black_box(frame.payload().as_ptr());
        });
    });
    group.bench_function("claim, abort", |b| {
        b.iter(|| {
            drop(black_box(producer.try_claim(bytes.len(), Class::Video).expect("room")));
            assert!(ring.try_recv().expect("a sound ring").is_none());
        });
    });
    group.finish();
}

/// A picture copied and read, in plain memory and in rings of several sizes whose consumer keeps up.
fn pictures(c: &mut Criterion<CpuTime>) {
    let source = vec![7u8; PICTURE];
    let mut group = c.benchmark_group("1080p copy and read");
    group.throughput(Throughput::Bytes(PICTURE as u64));
    group.sample_size(20);
    group.bench_function("memcpy", |b| {
        let mut to = vec![0u8; PICTURE];
        b.iter(|| {
            to.copy_from_slice(black_box(&source));
            sum(black_box(&to))
        });
    });
    for mib in [8, 64, 512] {
        let (mut ring, producer) = ring(mib * MIB, 1024);
        group.bench_function(BenchmarkId::new("ring of MiB", mib), |b| {
            b.iter(|| send_and_read(&producer, &mut ring, &source));
        });
    }
    group.finish();
}

fn send_and_read(producer: &Producer, ring: &mut Consumer, bytes: &[u8]) -> u64 {
    producer.send(bytes, &Descriptor::opaque()).expect("room");
    read(ring.try_recv().expect("a sound ring").expect("a frame").payload())
}

/// Blocks of sound: what a frame costs must depend neither on the size of the ring nor on what the consumer holds.
fn flatness(c: &mut Criterion<CpuTime>) {
    let source = [7u8; SOUND];
    let mut group = c.benchmark_group("3840 B by ring size");
    for mib in [1, 64, 4096] {
        let (mut ring, producer) = ring(mib * MIB, 1024);
        group.bench_function(BenchmarkId::new("MiB", mib), |b| {
            b.iter(|| send_and_read(&producer, &mut ring, &source));
        });
    }
    group.finish();

    let mut group = c.benchmark_group("3840 B by frames held");
    for count in [1, 10, 100, 1000] {
        let (mut ring, producer) = ring(8 * MIB, 2048);
        let mut held = VecDeque::new();
        group.bench_function(BenchmarkId::new("held", count), |b| {
            b.iter(|| {
                producer.send(&source, &Descriptor::opaque()).expect("room");
                let frame = ring.try_recv().expect("a sound ring").expect("a frame");
                let sum = read(frame.payload());
                held.push_back(frame);
                if held.len() > count {
                    held.pop_front();
                }
                sum
            });
        });
    }
    group.finish();
}

/// A claim, given up at once, while another thread claims for another producer as fast as it can and also sweeps.
fn contention(c: &mut Criterion<CpuTime>) {
    let (mut ring, producer) = ring(64 * MIB, 1 << 16);
    let rival = connect(&ring);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                drop(rival.try_claim(64, Class::Video));
                assert!(ring.try_recv().expect("a sound ring").is_none());
            }
        });
        c.bench_function("64 B claim, abort beside a rival", |b| {
            b.iter(|| loop {
                match producer.try_claim(64, Class::Video) {
                    Ok(grant) => break drop(black_box(grant)),
                    Err(ClaimError::Full(_)) => thread::yield_now(),
                    Err(why) => panic!("{why}"),
                }
            });
        });
        stop.store(true, Ordering::Relaxed);
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = one_frame, pictures, flatness, contention
}
criterion_main!(benches);
