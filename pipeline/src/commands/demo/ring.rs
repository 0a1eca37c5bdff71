//! The demo through shared memory: received on one thread, recorded on others.

use std::path::Path;

use frame_ring::{Consumer, Frame, RingBuilder};

use super::accounts::{Accounts, Outcome};
use super::children::{Capture, Shape};
use crate::error::CliError;
use crate::receive::{receive, Ending, Sink, Until};
use crate::recorder::{Format, Options, Recorder};
use crate::track::{TrackKey, Tracks};

/// JPEG quality of the files.
const QUALITY: u8 = 80;

/// Captures, receives, checks, records.
pub fn run(shape: &Shape, out: &Path) -> Result<Outcome, CliError> {
    // Of the default size: most of a second of pictures, for machines that are busy with something else.
    let ring = RingBuilder::new().name("demo").prefault(true).build();
    let mut ring = ring.map_err(|why| CliError::failed("make the ring", why))?;
    // SAFETY: its producers are processes of this program, which write to nothing that they have committed.
    unsafe { ring.trust_producers() };
    let captures = Capture::start_all(shape, None, |command| ring.invite()?.spawn(command))?;
    for capture in &captures {
        eprintln!("capture process of {}: {}", capture.name(), capture.pid());
    }
    let options = Options { format: Format::Mkv, quality: QUALITY, wait: false, replace: true };
    let mut sink = Checker {
        tracks: Tracks::default(),
        accounts: Accounts::new(shape.reference()),
        recorder: Recorder::new(out, options)?,
    };
    // Nobody else can connect: it ends when both have left.
    let received = receive(&mut ring, Until { seconds: None, producers: 0 }, &mut sink);
    drop(ring);
    let stopped = matches!(received, Ok(Ending::Stopped));
    let ends = match stopped {
        // They have nobody to send to any more.
        true => Vec::new(),
        false => captures.into_iter().map(Capture::finish).collect(),
    };
    let Checker { accounts, recorder, .. } = sink;
    let tally = |(producer, track): (u32, u32)| {
        u8::try_from(producer).ok().map(|producer| recorder.tally(TrackKey { producer, track }))
    };
    let mut outcome = Outcome::new(vec![accounts], ends, stopped, tally);
    let summary = recorder.finish();
    outcome.failures.extend(summary.failed.iter().cloned());
    outcome.recording = Some(summary);
    received.map(|_| outcome)
}

#[derive(Debug)]
struct Checker {
    tracks: Tracks,
    accounts: Accounts,
    recorder: Recorder,
}

impl Sink for Checker {
    fn frame(&mut self, ring: &Consumer, frame: Frame) -> Result<(), CliError> {
        let key = TrackKey { producer: frame.producer(), track: frame.descriptor().track };
        let bytes = frame.payload().as_slice().unwrap_or_default();
        self.accounts.take((key.producer.into(), key.track), frame.descriptor(), bytes)?;
        let key = self.tracks.of(ring, &frame);
        self.recorder.take(ring, key, &self.tracks.name(key), frame)?;
        self.accounts.skip();
        Ok(())
    }

    fn gone(&mut self, producer: u8) -> Result<(), CliError> {
        self.recorder.close(producer);
        Ok(())
    }

    fn status(&self) -> String {
        format!("shared memory: {} frames, {} left out", self.accounts.frames(), self.recorder.left_out())
    }
}
