//! Counting what comes on each track, and recording it if asked to: what `record` and `run` do with frames.

use std::collections::BTreeMap;

use frame_ring::{Consumer, Frame};

use super::table::Table;
use crate::check::sequence::Sequence;
use crate::error::CliError;
use crate::receive::Sink;
use crate::recorder::{Recorder, Tally};
use crate::track::{TrackKey, TrackName, Tracks};

/// What came on one track.
#[derive(Debug)]
struct Count {
    name: TrackName,
    frames: u64,
    bytes: u64,
    sequence: Sequence,
}

/// Counts, and records if there is a recorder.
#[derive(Debug)]
pub struct Counter {
    tracks: Tracks,
    counts: BTreeMap<TrackKey, Count>,
    /// Counts of tracks whose producers have left.
    done: Vec<(Count, Tally)>,
    recorder: Option<Recorder>,
}

impl Counter {
    /// Nothing was counted yet.
    pub fn new(recorder: Option<Recorder>) -> Self {
        Self { tracks: Tracks::default(), counts: BTreeMap::new(), done: Vec::new(), recorder }
    }

    /// Completes all files. Returns a report, and whether everything could be recorded.
    pub fn finish(mut self) -> (String, Result<(), CliError>) {
        let keys: Vec<TrackKey> = self.counts.keys().copied().collect();
        keys.into_iter().for_each(|key| self.retire(key));
        let mut report = self.table().text();
        let Some(recorder) = self.recorder else { return (report, Ok(())) };
        let summary = recorder.finish();
        for file in &summary.files {
            let megabytes = file.bytes as f64 / 1e6;
            report += &format!("{}  {megabytes:.1} MB, {} frames\n", file.path.display(), file.frames);
        }
        if let (count, Some(why)) = summary.unusable {
            report += &format!("{count} frames could not be recorded: {why}\n");
        }
        let done = match summary.failed.is_empty() {
            true => Ok(()),
            false => Err(CliError::failed("record everything", summary.failed.join("; "))),
        };
        (report, done)
    }

    fn table(&self) -> Table {
        let mut heading = vec!["producer", "track", "frames", "MB", "dropped", "lost"];
        if self.recorder.is_some() {
            heading.push("left out");
        }
        let mut table = Table::new(2, &heading);
        for (count, tally) in &self.done {
            let mut row = vec![
                count.name.producer.clone(),
                count.name.label.clone(),
                count.frames.to_string(),
                format!("{:.1}", count.bytes as f64 / 1e6),
                count.sequence.dropped().to_string(),
                count.sequence.lost().to_string(),
            ];
            if self.recorder.is_some() {
                row.push(tally.left_out.to_string());
            }
            table.row(row);
        }
        table
    }

    fn retire(&mut self, key: TrackKey) {
        let tally = self.recorder.as_ref().map(|recorder| recorder.tally(key)).unwrap_or_default();
        self.done.extend(self.counts.remove(&key).map(|count| (count, tally)));
    }

    fn all(&self) -> impl Iterator<Item = &Count> {
        self.counts.values().chain(self.done.iter().map(|(count, _)| count))
    }
}

impl Sink for Counter {
    fn frame(&mut self, ring: &Consumer, frame: Frame) -> Result<(), CliError> {
        let key = self.tracks.of(ring, &frame);
        let about = *frame.descriptor();
        let count = self.counts.entry(key).or_insert_with(|| Count {
            name: self.tracks.name(key),
            frames: 0,
            bytes: 0,
            sequence: Sequence::default(),
        });
        if about.kind() != frame_ring::Kind::Event {
            count.frames += 1;
            count.bytes += u64::from(about.payload_len);
        }
        if key.track != 0 {
            // A number that goes back is its producer's affair; it is counted as neither dropped nor lost.
            let _ = count.sequence.take(&about);
        }
        match &mut self.recorder {
            Some(recorder) => recorder.take(ring, key, &count.name, frame),
            None => Ok(()),
        }
    }

    fn gone(&mut self, producer: u8) -> Result<(), CliError> {
        let keys: Vec<TrackKey> =
            self.counts.keys().copied().filter(|key| key.producer == producer).collect();
        keys.into_iter().for_each(|key| self.retire(key));
        self.tracks.forget(producer);
        if let Some(recorder) = &mut self.recorder {
            recorder.close(producer);
        }
        Ok(())
    }

    fn status(&self) -> String {
        let frames: u64 = self.all().map(|count| count.frames).sum();
        let dropped: u64 = self.all().map(|count| count.sequence.dropped()).sum();
        let left_out = self.recorder.as_ref().map_or(0, Recorder::left_out);
        format!("{} tracks, {frames} frames, {dropped} dropped, {left_out} left out", self.all().count())
    }
}
