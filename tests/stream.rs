//! A ring as a stream on a tokio runtime.
#![cfg(feature = "tokio")]

mod support;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use frame_ring::{Descriptor, Frame, FrameStream, RecvError};
use frame_ring_core::arena::Arena;
use futures_core::Stream;
use support::raw::Raw;
use support::{producer, text, HANG};

fn run<T>(future: impl std::future::Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(HANG, future).await.expect("in time") })
}

async fn next(stream: &mut FrameStream) -> Option<Result<Frame, RecvError>> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

async fn next_text(stream: &mut FrameStream) -> String {
    text(&next(stream).await.expect("not the end").expect("no error"))
}

#[test]
fn frames_arrive_and_the_end_comes_after_them() {
    run(async {
        let ring = support::ring(1 << 16);
        let sender = producer(&ring, "sender");
        let mut stream = FrameStream::new(ring).expect("a stream");
        for n in 0..100 {
            sender.send(format!("frame {n}").as_bytes(), &Descriptor::opaque()).expect("room");
        }
        for n in 0..50 {
            assert_eq!(next_text(&mut stream).await, format!("frame {n}"));
        }
        assert_eq!(stream.ring().producers(), 1);
        drop(sender);
        for n in 50..100 {
            assert_eq!(next_text(&mut stream).await, format!("frame {n}"));
        }
        for _ in 0..3 {
            assert!(next(&mut stream).await.is_none(), "the end stays the end");
        }
        // The ring itself goes on if somebody comes.
        let mut ring = stream.into_inner();
        producer(&ring, "newcomer").send(b"new", &Descriptor::opaque()).expect("room");
        assert_eq!(support::next_text(&mut ring), "new");
    });
}

#[test]
fn an_idle_stream_is_pending_until_it_is_woken() {
    run(async {
        let ring = support::ring(1 << 16);
        let sender = producer(&ring, "sender");
        let mut stream = FrameStream::new(ring).expect("a stream");
        for n in 0..20 {
            let first = poll_fn(|cx| Poll::Ready(Pin::new(&mut stream).poll_next(cx).is_pending())).await;
            assert!(first, "nothing is there");
            let sender = sender.clone();
            let feeder = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(n % 3));
                sender.send(b"awake", &Descriptor::opaque()).expect("room");
            });
            assert_eq!(next_text(&mut stream).await, "awake");
            feeder.join().expect("no panic");
        }
        // The end wakes it, too.
        let leaver = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5));
            drop(sender);
        });
        assert!(next(&mut stream).await.is_none());
        leaver.join().expect("no panic");
    });
}

#[test]
fn errors_are_items_and_only_the_fatal_ones_end_the_stream() {
    run(async {
        let ring = support::ring(1 << 16);
        let sender = producer(&ring, "honest");
        let raw = Raw::join(&ring, "liar");
        let mut stream = FrameStream::new(ring).expect("a stream");
        raw.send_described(8, &[0; 8]);
        sender.send(b"true", &Descriptor::opaque()).expect("room");
        assert!(matches!(next(&mut stream).await, Some(Err(RecvError::BadFrame { .. }))));
        assert_eq!(next_text(&mut stream).await, "true");
        for slot in 0..1024 {
            raw.region.slot(slot).word.store(u64::MAX, Ordering::SeqCst);
        }
        assert!(matches!(next(&mut stream).await, Some(Err(RecvError::Poisoned(_)))));
        assert!(next(&mut stream).await.is_none());
    });
}

#[test]
fn an_idle_stream_is_left_alone() {
    struct Count(AtomicU64);
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    run(async {
        let ring = support::ring(1 << 16);
        let sender = producer(&ring, "sender");
        let mut stream = FrameStream::new(ring).expect("a stream");
        // Once woken by its eventfd, it must not take that for a reason to look again for ever.
        let feeder = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5));
            sender.send(b"awake", &Descriptor::opaque()).expect("room");
            sender
        });
        assert_eq!(next_text(&mut stream).await, "awake");
        let sender = feeder.join().expect("no panic");
        let wakes = Arc::new(Count(AtomicU64::new(0)));
        let waker = wakes.clone().into();
        let mut context = std::task::Context::from_waker(&waker);
        for _ in 0..20 {
            assert!(Pin::new(&mut stream).poll_next(&mut context).is_pending());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // A wake-up on its way may still arrive.
        assert!(wakes.0.load(Ordering::SeqCst) <= 3, "{} times for nothing", wakes.0.load(Ordering::SeqCst));
        drop(sender);
        until("the end wakes it", || wakes.0.load(Ordering::SeqCst) > 0).await;
    });
}

/// Waits on the runtime, so that it can do its part.
async fn until(what: &str, done: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !done() {
        assert!(start.elapsed() < HANG, "gave up waiting until {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn a_stream_needs_a_runtime() {
    let made = std::panic::catch_unwind(|| FrameStream::new(support::ring(1 << 16)).map(drop));
    // An error or tokio's own panic, but no stream that nobody ever wakes.
    assert!(!matches!(made, Ok(Ok(()))));
}

#[test]
fn no_wake_up_is_lost() {
    run(async {
        let ring = support::ring(1 << 16);
        let sender = producer(&ring, "sender");
        let mut stream = FrameStream::new(ring).expect("a stream");
        let received = Arc::new(AtomicU64::new(0));
        let feeder = std::thread::spawn({
            let received = received.clone();
            move || {
                support::feed_one_at_a_time(40_000, &received, 29, |n| {
                    sender.send(&n.to_le_bytes(), &Descriptor::opaque()).expect("room");
                });
            }
        });
        let mut n = 0u64;
        while let Some(frame) = next(&mut stream).await {
            assert_eq!(frame.expect("no error").payload().to_vec(), n.to_le_bytes());
            n += 1;
            received.store(n, Ordering::Release);
        }
        feeder.join().expect("no panic");
        assert!(n > 1000, "most wake-ups are lost: {n} frames");
        assert_eq!(stream.ring().found_late(), 0, "wake-ups were lost");
    });
}

#[test]
fn a_wiped_wake_word_does_not_keep_a_stream_asleep() {
    run(async {
        let ring = support::ring(1 << 16);
        let raw = Raw::join(&ring, "scribbler");
        let sender = producer(&ring, "sender");
        let mut stream = FrameStream::new(ring).expect("a stream");
        let wiper = std::thread::spawn(move || {
            let wake = &raw.region.control().wake.0;
            support::until("the stream sleeps", || wake.swap(0, Ordering::SeqCst) == 2);
            sender.send(b"late", &Descriptor::opaque()).expect("room");
            (raw, sender)
        });
        assert_eq!(next_text(&mut stream).await, "late");
        drop(wiper.join().expect("no panic"));
    });
}
