//! Pictures, compared with the test pattern or with a file, to the last pixel.

use frame_ring::{Descriptor, VideoFormat};

use super::looped::LoopedFile;
use super::WrongFrame;
use crate::convert;
use crate::media::pattern::{self, Pattern};
use crate::media::{FrameRate, Picture};

/// What a test picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenPicture {
    /// Its number.
    pub number: u32,
    /// Whether its box is white.
    pub lit: bool,
    /// The rate of its track.
    pub rate: FrameRate,
}

/// The check of one track's pictures.
#[derive(Debug)]
pub struct PictureCheck {
    reference: Reference,
    scratch: Vec<u8>,
}

#[derive(Debug)]
enum Reference {
    /// The pattern of the size and participant seen last, and the number of the picture before.
    Pattern {
        drawn: Option<(Wanted, Box<Pattern>)>,
        before: Option<u32>,
    },
    File(Box<LoopedFile>),
}

/// What a pattern depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted {
    width: u32,
    height: u32,
    participant: u16,
    rate: FrameRate,
}

impl PictureCheck {
    /// A check for test pictures.
    pub fn of_pattern() -> Self {
        Self { reference: Reference::Pattern { drawn: None, before: None }, scratch: Vec::new() }
    }

    /// A check for pictures of a file: frame `n` of the track is picture `n` of the file, sent again and again.
    pub fn of_file(file: LoopedFile) -> Self {
        Self { reference: Reference::File(Box::new(file)), scratch: Vec::new() }
    }

    /// Compares a picture; says what it shows if it is a test picture.
    pub fn check(
        &mut self,
        about: &Descriptor,
        format: &VideoFormat,
        bytes: &[u8],
    ) -> Result<Option<SeenPicture>, WrongFrame> {
        let picture = convert::picture(format, bytes, &mut self.scratch).map_err(WrongFrame::Format)?;
        match &mut self.reference {
            Reference::File(file) => file.compare(about.sequence, &picture).map(|()| None),
            Reference::Pattern { drawn, before } => {
                let wanted = Wanted {
                    width: picture.width(),
                    height: picture.height(),
                    // Participants of the pattern have 16 bits; the code in the picture tells others apart.
                    participant: about.source as u16,
                    rate: convert::rate(format).unwrap_or(FrameRate::whole(30)),
                };
                let seen = check_pattern(drawn, wanted, &picture)?;
                if let Some(before) = before.replace(seen.number).filter(|before| *before >= seen.number) {
                    return Err(WrongFrame::NotNewer { before, found: seen.number });
                }
                Ok(Some(seen))
            }
        }
    }
}

fn check_pattern(
    drawn: &mut Option<(Wanted, Box<Pattern>)>,
    wanted: Wanted,
    picture: &Picture<'_>,
) -> Result<SeenPicture, WrongFrame> {
    let mut pattern = match drawn.take() {
        Some((drawn, pattern)) if drawn == wanted => pattern,
        _ => {
            let Wanted { width, height, participant, rate } = wanted;
            Box::new(Pattern::new(width, height, participant, rate).map_err(WrongFrame::Picture)?)
        }
    };
    let number = pattern.check(picture);
    *drawn = Some((wanted, pattern));
    let number = number.map_err(WrongFrame::Picture)?;
    let lit = pattern::flash_lit(picture, number).map_err(WrongFrame::Picture)?;
    Ok(SeenPicture { number, lit, rate: wanted.rate })
}
