//! Recording: frames of a ring into files, on threads of their own.
//!
//! One thread for each file (and those that follow on it) converts, encodes and writes. While it keeps up, it takes
//! pictures from the ring itself, uncopied. A picture that would have to wait is copied out, because a ring cannot reuse
//! what lies behind a frame that is still held; and when too much waits, pictures are left out of the file and counted. So a
//! slow encoder or disk holds up neither the ring nor its producers.
//!
//! | module | owns |
//! |---|---|
//! | `budget` | how much may wait |
//! | `writer` | the thread |
//! | `mkv`, `plain` | what it writes |
//! | `timeline` | one clock for all tracks of a file |
//! | `names` | file names from what producers call themselves |

mod budget;
mod mkv;
mod names;
pub(crate) mod plain;
mod timeline;
mod writer;

use std::collections::BTreeMap;
use std::path::Path;
use std::thread::JoinHandle;

use frame_ring::{Body, Consumer, Flags, Frame, TrackKind};

use self::budget::Budget;
use self::mkv::MkvFiles;
use self::names::Names;
use self::plain::{Place, WavFiles, Y4mFiles};
pub use self::writer::FileReport;
use self::writer::{Done, Files, Taken, Writer};
use crate::error::CliError;
use crate::track::{TrackKey, TrackName};

/// What kind of files to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One Matroska file for each participant of each producer: Motion JPEG and PCM
    Mkv,
    /// One uncompressed YUV4MPEG2 file for each video track
    Y4m,
    /// One WAV file for each audio track
    Wav,
}

/// How to record.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Into what.
    pub format: Format,
    /// JPEG quality, 1 to 100.
    pub quality: u8,
    /// Wait for the writers instead of leaving frames out.
    pub wait: bool,
    /// Replace files that are there, instead of choosing other names.
    pub replace: bool,
}

/// Copies of pictures that may wait, in bytes.
const PICTURES: u64 = 128 << 20;
/// Copies of sound that may wait, in bytes: minutes of it.
const SOUND: u64 = 64 << 20;
/// Pictures that a writer may have in place: one in its hands and one that is next.
const IN_PLACE: usize = 2;

/// A file with its successors: of a producer, and of that the tracks of one participant, or one track.
type FileKey = (u8, Part);

/// What of a producer goes into one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Participant(String),
    Track(u32),
}

/// Frames of a track that were, or were not, handed to a writer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Handed over.
    pub recorded: u64,
    /// Left out because the writer was behind, or had failed.
    pub left_out: u64,
}

/// What a recording came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// All files.
    pub files: Vec<FileReport>,
    /// Frames that could not be converted, and why the first of them could not.
    pub unusable: (u64, Option<String>),
    /// What went wrong: the writers that failed.
    pub failed: Vec<String>,
}

/// Records what it is given.
#[derive(Debug)]
pub struct Recorder {
    options: Options,
    names: Names,
    pictures: Budget,
    sound: Budget,
    writers: BTreeMap<FileKey, Writer>,
    closing: Vec<JoinHandle<Done>>,
    tallies: BTreeMap<TrackKey, Tally>,
}

impl Recorder {
    /// Records to files in `dir`, which is made if it is not there.
    pub fn new(dir: &Path, options: Options) -> Result<Self, CliError> {
        std::fs::create_dir_all(dir)
            .map_err(|why| CliError::failed(format!("make {}", dir.display()), why))?;
        Ok(Self {
            options,
            names: Names::new(dir, options.replace),
            pictures: Budget::new(PICTURES),
            sound: Budget::new(SOUND),
            writers: BTreeMap::new(),
            closing: Vec::new(),
            tallies: BTreeMap::new(),
        })
    }

    /// Records a frame of a track, or leaves it out.
    pub fn take(
        &mut self,
        ring: &Consumer,
        key: TrackKey,
        name: &TrackName,
        frame: Frame,
    ) -> Result<(), CliError> {
        let about = *frame.descriptor();
        let (is_media, is_wanted) = match about.body {
            Body::Video(_) => (true, self.options.format != Format::Wav),
            Body::Audio(_) => (true, self.options.format != Format::Y4m),
            _ => (false, about.flags.contains(Flags::EOS)),
        };
        let file = match self.options.format {
            Format::Mkv => (key.producer, Part::Participant(name.participant.clone())),
            Format::Y4m | Format::Wav => (key.producer, Part::Track(key.track)),
        };
        if !is_wanted || (!is_media && !self.writers.contains_key(&file)) {
            return Ok(());
        }
        let writer = match self.writers.entry(file) {
            std::collections::btree_map::Entry::Occupied(writer) => writer.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(Writer::start(files(&self.options, &self.names, ring, key, name))?)
            }
        };
        let is_picture = matches!(about.body, Body::Video(_));
        // Sound is small, and always copied: it must not wait in slots that others need.
        let taken = if is_picture && writer.in_place() < IN_PLACE {
            Some(Taken::InPlace(frame))
        } else {
            let budget = if is_picture { &self.pictures } else { &self.sound };
            let room = budget.reserve(frame.payload().len() as u64, self.options.wait);
            room.map(|room| Taken::Copied(frame.detach(), room))
        };
        let given = taken.is_some_and(|taken| writer.give(key.track, &name.label, taken));
        let tally = self.tallies.entry(key).or_default();
        tally.recorded += u64::from(is_media && given);
        tally.left_out += u64::from(is_media && !given);
        Ok(())
    }

    /// Completes the files of a producer that is gone.
    pub fn close(&mut self, producer: u8) {
        let its_own: Vec<FileKey> = self.writers.keys().filter(|(id, _)| *id == producer).cloned().collect();
        for file in its_own {
            self.closing.extend(self.writers.remove(&file).map(Writer::close));
        }
    }

    /// How many frames of a track were recorded so far.
    pub fn tally(&self, key: TrackKey) -> Tally {
        self.tallies.get(&key).copied().unwrap_or_default()
    }

    /// Frames left out so far, of all tracks.
    pub fn left_out(&self) -> u64 {
        self.tallies.values().map(|tally| tally.left_out).sum()
    }

    /// Waits for the writers, and completes all files.
    pub fn finish(self) -> Summary {
        let mut summary = Summary::default();
        // All of them at once, before the first one is waited for.
        let open: Vec<_> = self.writers.into_values().map(Writer::close).collect();
        for thread in self.closing.into_iter().chain(open) {
            let done = thread
                .join()
                .unwrap_or_else(|_| Done { failed: Some("a writer panicked".into()), ..Done::default() });
            summary.files.extend(done.files);
            summary.failed.extend(done.failed);
            summary.unusable.0 += done.unusable.0;
            summary.unusable.1 = summary.unusable.1.or(done.unusable.1);
        }
        summary.files.sort_by(|a, b| a.path.cmp(&b.path));
        summary
    }
}

fn files(
    options: &Options,
    names: &Names,
    ring: &Consumer,
    key: TrackKey,
    name: &TrackName,
) -> Box<dyn Files> {
    let place = || Place { names: names.clone(), producer: name.producer.clone(), label: name.label.clone() };
    match options.format {
        Format::Mkv => {
            let media = |kind| matches!(kind, TrackKind::Video | TrackKind::Audio);
            let tracks = ring.tracks().into_iter().filter(|track| track.owner == key.producer && track.live);
            let is_ours = |info: frame_ring::TrackInfo| {
                media(info.kind) && info.participant.to_string() == name.participant
            };
            let expected = tracks.filter(|track| track.info.is_some_and(is_ours));
            let expected = expected.map(|track| track.id).collect();
            let whose = if name.participant.is_empty() { &name.producer } else { &name.participant };
            Box::new(MkvFiles::new(names.clone(), whose.clone(), options.quality, expected))
        }
        Format::Y4m => Box::new(Y4mFiles::new(place())),
        Format::Wav => Box::new(WavFiles::new(place())),
    }
}
