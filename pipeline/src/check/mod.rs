//! Checks of received tracks: every number, every pixel, every sample.
//!
//! A frame that is missing is *lost* unless its producer said that it dropped it; a frame that came is *wrong* if its
//! number or any bit of its content is not what was sent.
//!
//! | module | owns |
//! |---|---|
//! | [`sequence`] | the numbers of frames |
//! | [`picture`], [`sound`] | the content of frames |
//! | [`looped`] | a y4m file that is sent again and again, to compare with |
//! | [`skew`] | how far flash and beep are apart |

pub mod looped;
pub mod picture;
pub mod sequence;
pub mod skew;
pub mod sound;

use std::fmt;

use frame_ring::{Body, Descriptor, Flags};

use self::looped::LoopedFile;
use self::picture::{PictureCheck, SeenPicture};
use self::sequence::Sequence;
use self::sound::SoundCheck;
use crate::convert::ConvertError;
use crate::media::pattern::PatternError;
use crate::media::tone::ToneError;

/// What was found on a track so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Frames of media that came.
    pub frames: u64,
    /// Their payload.
    pub bytes: u64,
    /// Frames that the producer said it dropped.
    pub dropped: u64,
    /// Frames that are missing and nobody said so.
    pub lost: u64,
    /// Frames that are not what was sent.
    pub wrong: u64,
    /// The first thing that was wrong.
    pub first_wrong: Option<String>,
}

impl Findings {
    /// Whether everything is as it should be.
    pub fn is_good(&self) -> bool {
        self.lost == 0 && self.wrong == 0
    }
}

/// What a frame that is right shows.
#[derive(Debug)]
pub enum Seen<'a> {
    /// A test picture.
    Picture(SeenPicture),
    /// A block of the test tone from this position on, two channels alternating.
    Sound(u64, &'a [f32]),
    /// Something else, or something wrong.
    Nothing,
}

/// The check of one track.
#[derive(Debug)]
pub struct TrackCheck {
    findings: Findings,
    sequence: Sequence,
    picture: PictureCheck,
    sound: SoundCheck,
}

impl TrackCheck {
    /// A check for the test picture and the test tone of the participant that each frame names as its source.
    pub fn of_pattern() -> Self {
        Self::new(PictureCheck::of_pattern())
    }

    /// A check for the pictures of a file.
    pub fn of_file(file: LoopedFile) -> Self {
        Self::new(PictureCheck::of_file(file))
    }

    fn new(picture: PictureCheck) -> Self {
        Self {
            findings: Findings::default(),
            sequence: Sequence::default(),
            picture,
            sound: SoundCheck::default(),
        }
    }

    /// What was found so far.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Checks a frame.
    pub fn check(&mut self, about: &Descriptor, bytes: &[u8]) -> Seen<'_> {
        let missing = self.sequence.take(about).unwrap_or_else(|why| {
            self.findings.add_wrong(about, &why);
            0
        });
        (self.findings.dropped, self.findings.lost) = (self.sequence.dropped(), self.sequence.lost());
        let is_media = !about.flags.contains(Flags::EOS) && !about.flags.contains(Flags::GAP);
        let found = match about.body {
            Body::Video(format) if is_media => {
                let seen = self.picture.check(about, &format, bytes);
                seen.map(|seen| seen.map_or(Seen::Nothing, Seen::Picture))
            }
            Body::Audio(format) if is_media => {
                let seen = self.sound.check(about, &format, bytes, missing);
                seen.map(|samples| Seen::Sound(format.position, samples))
            }
            _ => return Seen::Nothing,
        };
        self.findings.frames += 1;
        self.findings.bytes += bytes.len() as u64;
        found.unwrap_or_else(|why| {
            self.findings.add_wrong(about, &why);
            Seen::Nothing
        })
    }
}

impl Findings {
    fn add_wrong(&mut self, about: &Descriptor, why: &WrongFrame) {
        self.wrong += 1;
        self.first_wrong.get_or_insert_with(|| format!("frame {} of its track: {why}", about.sequence));
    }
}

/// Why a frame is not what was sent.
#[derive(Debug)]
pub enum WrongFrame {
    /// Its number is that of an earlier frame.
    Number {
        /// The least that it can be.
        expected: u64,
        /// What it is.
        found: u64,
    },
    /// It cannot be looked at.
    Format(ConvertError),
    /// The picture differs.
    Picture(PatternError),
    /// The number in the picture is not above the one before.
    NotNewer {
        /// The number of the picture before.
        before: u32,
        /// What came.
        found: u32,
    },
    /// The sound differs.
    Sound(ToneError),
    /// The sound is not that of the test tone: another rate or number of channels.
    SoundFormat {
        /// Samples per second and channel.
        rate: u32,
        /// Channels.
        channels: u16,
    },
    /// The sound does not follow on what was there before.
    Position {
        /// Where it should start.
        expected: u64,
        /// Where it starts.
        found: u64,
    },
    /// The picture differs from that of the file.
    File {
        /// The plane in which the first difference is.
        plane: usize,
        /// The row.
        row: usize,
    },
    /// The picture has another size or layout than those of the file.
    FileFormat,
    /// The file cannot be read (any more).
    Reference(String),
}

impl fmt::Display for WrongFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { expected, found } => {
                write!(f, "it has number {found} instead of {expected} or more")
            }
            Self::Format(why) => why.fmt(f),
            Self::Picture(why) => why.fmt(f),
            Self::NotNewer { before, found } => write!(f, "picture {found} came after picture {before}"),
            Self::Sound(why) => why.fmt(f),
            Self::SoundFormat { rate, channels } => {
                write!(f, "the test tone has 2 channels at 48000 Hz, this has {channels} at {rate} Hz")
            }
            Self::Position { expected, found } => {
                write!(f, "the sound goes on at sample {found} instead of {expected}")
            }
            Self::File { plane, row } => write!(f, "row {row} of plane {plane} differs from the file's"),
            Self::FileFormat => write!(f, "its size or layout is not that of the file"),
            Self::Reference(why) => write!(f, "there is nothing to compare with: {why}"),
        }
    }
}

impl std::error::Error for WrongFrame {}

#[cfg(test)]
mod tests;
