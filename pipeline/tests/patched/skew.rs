//! Picture and sound of one moment: a flash and a beep that the page makes together, and how far apart they arrive.

use std::time::{Duration, Instant};

use frame_ring::{mono_ns, Frame};
use serde_json::Value;

use crate::stage::{Receiver, Stage};
use crate::web::media::{median_ms, samples};

/// Flashes and beeps that are measured.
const PAIRS: usize = 16;
/// What they may be apart.
const MOST_MS: f64 = 10.0;
/// People notice more than that.
const LIPS_MS: f64 = 100.0;

/// The beginnings of flashes or beeps.
#[derive(Default)]
struct Edges {
    /// By `mono_ns`.
    captured: Vec<i64>,
    /// When they were received.
    received: Vec<i64>,
    is_on: Option<bool>,
}

impl Edges {
    /// Takes a frame, and how far into it the flash or beep begins, ns, if there is one.
    fn add(&mut self, frame: &Frame, at: Option<i64>) {
        let now = mono_ns() as i64;
        if let (Some(at), Some(false)) = (at, self.is_on) {
            self.captured.push(frame.descriptor().mono_ns as i64 + at);
            self.received.push(now + at);
        }
        self.is_on = Some(at.is_some());
    }
}

/// Flashes and beeps out of a ring.
#[derive(Default)]
struct Both {
    flashes: Edges,
    beeps: Edges,
}

impl Both {
    fn receive(ring: &mut Receiver, time: Duration) -> Self {
        let (mut both, start) = (Self::default(), Instant::now());
        while start.elapsed() < time {
            let frame = ring.frame("flashes and beeps");
            if let Some(view) = frame.video() {
                let mut luma = [0];
                view.plane(0).unwrap().bytes().copy_to_slice(&mut luma);
                both.flashes.add(&frame, (luma[0] > 128).then_some(0));
            } else {
                let rate = match frame.descriptor().body {
                    frame_ring::Body::Audio(format) => i64::from(format.rate),
                    body => panic!("{body:?}"),
                };
                let first = samples(&frame, 0).iter().position(|sample| sample.abs() > 0.1);
                both.beeps.add(&frame, first.map(|first| first as i64 * 1_000_000_000 / rate));
            }
        }
        both
    }

    fn by_capture(&self) -> Vec<i64> {
        skews(&self.flashes.captured, &self.beeps.captured)
    }

    fn by_reception(&self) -> Vec<i64> {
        skews(&self.flashes.received, &self.beeps.received)
    }
}

/// From each beep to the flash nearest to it, ns: above 0 the picture is late. They come twice a second.
fn skews(flashes: &[i64], beeps: &[i64]) -> Vec<i64> {
    let nearest = |beep: &i64| flashes.iter().map(|flash| flash - beep).min_by_key(|skew| skew.abs());
    let skews: Vec<i64> = beeps.iter().filter_map(nearest).filter(|skew| skew.abs() < 200_000_000).collect();
    assert!(skews.len() >= PAIRS / 2, "{} flashes and {} beeps", flashes.len(), beeps.len());
    skews
}

fn tell(what: &str, skews: &[i64]) -> f64 {
    let ms = |ns: Option<&i64>| *ns.unwrap() as f64 / 1e6;
    let (least, most) = (ms(skews.iter().min()), ms(skews.iter().max()));
    println!(
        "{what}: picture {:+.2} ms to sound (median of {}), {least:+.2} to {most:+.2} ms",
        median_ms(skews),
        skews.len()
    );
    median_ms(skews)
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_flash_and_a_beep_of_one_moment_have_one_time() {
    let stage = Stage::start();
    let mut ring = stage.opened();
    stage.evaluate("patched.flashes().getTracks().forEach((track) => patched.attach(track, track.kind))");
    let both = Both::receive(&mut ring, Duration::from_millis(480 * PAIRS as u64));
    let captured = tell("by mono_ns", &both.by_capture());
    let received = tell("by their reception", &both.by_reception());
    assert!(captured.abs() < MOST_MS && received.abs() < MOST_MS, "{captured} ms, {received} ms");
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_flash_and_a_beep_of_a_call_are_no_further_apart_than_in_its_page() {
    let stage = Stage::start();
    let mut ring = stage.opened();
    stage.begin("patched.call(patched.flashes())");
    ring.frame("frames of the call");
    stage.finish();
    // A call brings picture and sound together step by step.
    Both::receive(&mut ring, Duration::from_secs(8));

    let time = Duration::from_millis(480 * PAIRS as u64);
    stage.begin(&format!(
        "patched.edges(patched.calling.arrived.map(({{ track }}) => track), {})",
        time.as_millis()
    ));
    let both = Both::receive(&mut ring, time);
    let told = stage.finish();
    let page = |kind: &str| -> Vec<i64> {
        let ns = |ms: &Value| (ms.as_f64().unwrap() * 1e6) as i64;
        told[kind].as_array().unwrap().iter().map(ns).collect()
    };
    let in_page = tell("by the page's own reception", &skews(&page("video"), &page("audio")));
    let received = tell("by their reception out of the ring", &both.by_reception());
    let captured = tell("by mono_ns", &both.by_capture());
    assert!((received - in_page).abs() < MOST_MS, "{received} ms out of the ring, {in_page} ms in the page");
    assert!(captured.abs() < LIPS_MS, "{captured} ms");
}
