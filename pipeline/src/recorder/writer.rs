//! The thread that converts, encodes and writes the frames of one file and its successors.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::Arc;
use std::thread::JoinHandle;

use frame_ring::{Body, Descriptor, Flags, Frame, OwnedFrame};

use super::budget::Reserved;
use crate::convert::{self, ConvertError};
use crate::error::CliError;
use crate::media::jpeg::JpegError;
use crate::media::mkv::MkvError;
use crate::media::wav::WavError;
use crate::media::y4m::Y4mError;

/// Added to the niceness of writers: whoever captures and receives goes first.
const NICENESS: i32 = 5;

/// What a writer is given.
#[derive(Debug)]
struct Job {
    track: u32,
    /// What people call the track, with its first frame.
    label: Option<String>,
    taken: Taken,
}

/// A frame to write.
#[derive(Debug)]
pub enum Taken {
    /// Still in the ring.
    InPlace(Frame),
    /// Copied out, and the room that it takes up until it is written.
    Copied(OwnedFrame, Reserved),
}

/// Writes frames of some kind to files.
pub trait Files: Send {
    /// A track got a name.
    fn name(&mut self, track: u32, label: &str);

    /// Writes a frame.
    fn frame(&mut self, track: u32, about: &Descriptor, bytes: &[u8]) -> Result<(), RecordError>;

    /// A track has ended.
    fn end(&mut self, track: u32) -> Result<(), RecordError>;

    /// Completes the files.
    fn finish(self: Box<Self>) -> Result<Vec<FileReport>, RecordError>;
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Frames in it.
    pub frames: u64,
}

/// What a writer did.
#[derive(Debug, Default)]
pub struct Done {
    /// Its files.
    pub files: Vec<FileReport>,
    /// Frames that are no pictures or sound which the format can hold, and why the first of them is not.
    pub unusable: (u64, Option<String>),
    /// Why it gave up, if it did.
    pub failed: Option<String>,
}

/// The thread, seen from outside.
#[derive(Debug)]
pub struct Writer {
    jobs: Sender<Job>,
    known: BTreeSet<u32>,
    /// Frames in the ring that the thread has, or will have.
    in_place: Arc<AtomicUsize>,
    thread: JoinHandle<Done>,
}

impl Writer {
    /// Starts the thread.
    pub fn start(files: Box<dyn Files>) -> Result<Self, CliError> {
        let (jobs, inbox) = mpsc::channel();
        let in_place = Arc::new(AtomicUsize::new(0));
        let counter = in_place.clone();
        let thread = std::thread::Builder::new().name("frame-ring-writer".into());
        let thread = thread.spawn(move || work(files, &inbox, &counter));
        let thread = thread.map_err(|why| CliError::failed("start a thread", why))?;
        Ok(Self { jobs, known: BTreeSet::new(), in_place, thread })
    }

    /// Frames in the ring that the thread has not written yet.
    pub fn in_place(&self) -> usize {
        self.in_place.load(Ordering::Relaxed)
    }

    /// Hands over a frame of a track, which people call `label`. Returns whether somebody will write it.
    pub fn give(&mut self, track: u32, label: &str, taken: Taken) -> bool {
        if matches!(taken, Taken::InPlace(_)) {
            self.in_place.fetch_add(1, Ordering::Relaxed);
        }
        let label = self.known.insert(track).then(|| label.into());
        self.jobs.send(Job { track, label, taken }).is_ok()
    }

    /// No more jobs; the thread ends when it has done those it has.
    pub fn close(self) -> JoinHandle<Done> {
        self.thread
    }
}

fn work(mut files: Box<dyn Files>, inbox: &Receiver<Job>, in_place: &AtomicUsize) -> Done {
    be_nice();
    let mut done = Done::default();
    let mut copy = Vec::new();
    for Job { track, label, taken } in inbox {
        if let Some(label) = label {
            files.name(track, &label);
        }
        let written = write(&mut *files, track, &taken, &mut copy);
        match taken {
            Taken::InPlace(frame) => {
                drop(frame);
                in_place.fetch_sub(1, Ordering::Relaxed);
            }
            Taken::Copied(frame, room) => {
                drop(frame);
                drop(room);
            }
        }
        match written {
            Ok(()) => {}
            Err(RecordError::Unusable(why)) => {
                done.unusable.0 += 1;
                done.unusable.1.get_or_insert(why.to_string());
            }
            Err(why) => {
                done.failed = Some(why.to_string());
                break;
            }
        }
    }
    match files.finish() {
        Ok(files) => done.files = files,
        Err(why) => {
            done.failed.get_or_insert(why.to_string());
        }
    }
    done
}

fn write(files: &mut dyn Files, track: u32, taken: &Taken, copy: &mut Vec<u8>) -> Result<(), RecordError> {
    let payload;
    let (about, bytes) = match taken {
        Taken::InPlace(frame) => {
            payload = frame.payload();
            (frame.descriptor(), convert::bytes(&payload, copy))
        }
        Taken::Copied(frame, _) => (frame.descriptor(), frame.bytes()),
    };
    let has_content = match about.body {
        Body::Video(format) => format.plane_count > 0,
        Body::Audio(format) => format.frames > 0,
        _ => false,
    };
    if has_content {
        files.frame(track, about, bytes)?;
    }
    if about.flags.contains(Flags::EOS) {
        files.end(track)?;
    }
    Ok(())
}

/// Lowers the priority of this thread.
fn be_nice() {
    // SAFETY: a system call without pointers; on Linux it is about the calling thread alone. Should it be refused,
    // everything works as before.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) };
}

/// Why a frame is not in a file.
#[derive(Debug)]
pub enum RecordError {
    /// The format cannot hold it. Others may fit.
    Unusable(ConvertError),
    /// A file could not be made.
    Create(io::Error),
    /// A picture could not be encoded.
    Jpeg(JpegError),
    /// Writing Matroska failed.
    Mkv(MkvError),
    /// Writing y4m failed.
    Y4m(Y4mError),
    /// Writing WAV failed.
    Wav(WavError),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordError::Unusable(why) => why.fmt(f),
            RecordError::Create(why) => write!(f, "cannot make a file: {why}"),
            RecordError::Jpeg(why) => why.fmt(f),
            RecordError::Mkv(why) => why.fmt(f),
            RecordError::Y4m(why) => why.fmt(f),
            RecordError::Wav(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for RecordError {}
