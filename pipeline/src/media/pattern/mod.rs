//! The test picture: made at a fraction of the cost of copying it, checked to the last pixel.
//!
//! A [`Pattern`] keeps one picture and, from frame to frame, touches only what moves: a bar over the full height
//! that changes place and colour with every frame (so that every row of every plane depends on the frame number,
//! and a torn picture shows), a box that wanders and turns white for the first 100 ms of each second, the
//! burnt-in [`Code`] for machines and, for people, six decimal digits of the frame number at the top and of the
//! participant at the bottom. The still background, a gradient in the participant's colours, is painted once.
//!
//! What a frame looks like depends only on size, participant, rate and frame number. Therefore a receiver draws
//! the frame that the code names and compares memory: [`Pattern::check`]. After lossy compression only the code
//! ([`read_number`]) and the flash ([`flash_lit`]) are worth reading.

mod canvas;
mod code;

use std::fmt;

use self::canvas::{Background, Canvas, Colour, Rect, NEUTRAL, WHITE};
pub use self::code::{read_code, read_number, Code};
use super::{font, marker, FrameRate, Layout, Picture};

/// The shortest side of a picture that has room for the code.
pub const MIN_SIDE: u32 = 64;

const BAR_WIDTH: usize = 8;
const DIGITS: usize = 6;
const BOX_COLOUR: Colour = [60, 160, 90];

/// A generator and checker of one participant's test pictures (I420, limited range).
#[derive(Debug, Clone)]
pub struct Pattern {
    width: u32,
    height: u32,
    participant: u16,
    rate: FrameRate,
    geometry: Geometry,
    background: Background,
    canvas: Canvas,
    drawn: Option<u32>,
}

impl Pattern {
    /// The pattern of `participant`; both sides from [`MIN_SIDE`] to [`MAX_SIDE`](super::picture::MAX_SIDE).
    pub fn new(width: u32, height: u32, participant: u16, rate: FrameRate) -> Result<Self, PatternError> {
        check_size(width, height)?;
        let geometry = Geometry::new(width, height);
        let background = Background::new(geometry.width, geometry.height, participant);
        let mut canvas = Canvas::new(geometry.width, geometry.height);
        canvas.fill_background(geometry.whole(), &background);
        Ok(Self { width, height, participant, rate, geometry, background, canvas, drawn: None })
    }

    /// Who is shown.
    pub fn participant(&self) -> u16 {
        self.participant
    }

    /// The frame rate that the flash follows.
    pub fn rate(&self) -> FrameRate {
        self.rate
    }

    /// Draws frame `number`, touching only what differs from the frame drawn last.
    pub fn draw(&mut self, number: u32) -> Picture<'_> {
        if self.drawn != Some(number) {
            if let Some(before) = self.drawn {
                self.canvas.fill_background(self.geometry.bar(before), &self.background);
                self.canvas.fill_background(self.geometry.square(before), &self.background);
            }
            self.drawn = Some(number);
            self.draw_bar(number);
            self.draw_code(number);
            self.draw_digits(number, self.geometry.digits_top);
            self.draw_digits(u32::from(self.participant), self.geometry.participant_top);
            self.draw_square(number);
        }
        self.picture()
    }

    /// The frame drawn last, or the bare background.
    pub fn picture(&self) -> Picture<'_> {
        Picture::packed(Layout::I420, self.width, self.height, self.bytes())
            .expect("the canvas has this size")
    }

    /// The frame drawn last as one slice: Y, U, V without padding.
    pub fn bytes(&self) -> &[u8] {
        self.canvas.bytes()
    }

    /// Checks every pixel of a received picture against the frame that its code names, and returns that number.
    pub fn check(&mut self, picture: &Picture<'_>) -> Result<u32, PatternError> {
        let found = (picture.width(), picture.height());
        if found != (self.width, self.height) {
            return Err(PatternError::Size { expected: (self.width, self.height), found });
        }
        if picture.layout() != Layout::I420 {
            return Err(PatternError::Layout { found: picture.layout() });
        }
        let code = read_code(picture)?;
        if code.participant != self.participant {
            return Err(PatternError::Participant { expected: self.participant, found: code.participant });
        }
        compare(&self.draw(code.number), picture, code.number)?;
        Ok(code.number)
    }

    fn draw_bar(&mut self, number: u32) {
        let shade = |least: u32, span: u32, step: u32| (least + number.wrapping_mul(step) % span) as u8;
        let colour = [shade(40, 180, 37), shade(60, 130, 13), shade(60, 130, 29)];
        self.canvas.fill(self.geometry.bar(number), colour);
    }

    fn draw_code(&mut self, number: u32) {
        let side = self.geometry.cell;
        let bits = Code { number, participant: self.participant }.to_bits();
        let area = Rect { x: 0, y: 0, width: code::COLUMNS * side, height: code::ROWS * side };
        self.canvas.fill_cells(area, side, |column, row| bits << (row * code::COLUMNS + column) >> 63 == 1);
    }

    /// Draws the last six decimal places of `value`, white on black, at the left edge.
    fn draw_digits(&mut self, value: u32, y: usize) {
        // A digit and the gap on its left; one more gap on the right, and one above and below.
        const PITCH: usize = font::COLUMNS + 1;
        let digits: [u32; DIGITS] =
            std::array::from_fn(|place| value / 10u32.pow((DIGITS - 1 - place) as u32) % 10);
        let dot = self.geometry.dot;
        let (width, height) = ((DIGITS * PITCH + 1) * dot, self.geometry.digits_height());
        self.canvas.fill_cells(Rect { x: 0, y, width, height }, dot, |column, row| {
            let (place, column) = (column / PITCH, column % PITCH);
            let inside = place < DIGITS && column > 0 && (1..=font::ROWS).contains(&row);
            inside && font::dot(digits[place], column - 1, row - 1)
        });
    }

    fn draw_square(&mut self, number: u32) {
        let lit = marker::is_flash(u64::from(number), self.rate);
        let colour = if lit { [WHITE, NEUTRAL, NEUTRAL] } else { BOX_COLOUR };
        self.canvas.fill(self.geometry.square(number), colour);
    }
}

/// Whether the box of frame `number` is white in `picture`, also after lossy compression.
pub fn flash_lit(picture: &Picture<'_>, number: u32) -> Result<bool, PatternError> {
    check_size(picture.width(), picture.height())?;
    let square = Geometry::new(picture.width(), picture.height()).square(number);
    let mean = code::inner_mean(picture, square.x, square.y, square.width);
    Ok(mean > u32::from(BOX_COLOUR[0] / 2 + WHITE / 2))
}

fn check_size(width: u32, height: u32) -> Result<(), PatternError> {
    if width.min(height) < MIN_SIDE || Layout::I420.packed_len(width, height).is_none() {
        return Err(PatternError::Unsuited { width, height });
    }
    Ok(())
}

/// Compares all planes, in one piece where rows have no padding, and finds the first pixel that differs.
fn compare(expected: &Picture<'_>, found: &Picture<'_>, number: u32) -> Result<(), PatternError> {
    for plane in 0..3 {
        let whole = expected.contiguous_plane(plane);
        if whole.is_some() && whole == found.contiguous_plane(plane) {
            continue;
        }
        for y in 0..expected.plane_size(plane).1 {
            let (wanted, got) = (expected.row(plane, y), found.row(plane, y));
            if wanted != got {
                let x = wanted.iter().zip(got).position(|(a, b)| a != b).unwrap_or(0);
                let (expected, found) = (wanted[x], got[x]);
                return Err(PatternError::Pixel { number, plane, x, y, expected, found });
            }
        }
    }
    Ok(())
}

/// Where things are in a picture of a certain size.
#[derive(Debug, Clone, Copy)]
struct Geometry {
    width: usize,
    height: usize,
    /// Side of a cell of the code, which starts at the top left.
    cell: usize,
    /// Pixels per dot of a digit, even.
    dot: usize,
    /// Where the digits start, below the code.
    digits_top: usize,
    /// Where the participant's digits start, at the bottom; even.
    participant_top: usize,
    /// Side of the box, even.
    side: usize,
    /// The box stays below this row.
    square_top: usize,
}

impl Geometry {
    fn new(width: u32, height: u32) -> Self {
        let cell = code::cell_side(width, height);
        let (width, height) = (width as usize, height as usize);
        let short = width.min(height);
        let dot = (short / 32).clamp(2, 8) & !1;
        let digits_top = code::ROWS * cell;
        let digits_height = (font::ROWS + 2) * dot;
        Self {
            width,
            height,
            cell,
            dot,
            digits_top,
            participant_top: (height - digits_height) & !1,
            side: (short / 8).min(128) & !1,
            square_top: digits_top + digits_height,
        }
    }

    fn whole(&self) -> Rect {
        Rect { x: 0, y: 0, width: self.width, height: self.height }
    }

    fn digits_height(&self) -> usize {
        (font::ROWS + 2) * self.dot
    }

    fn bar(&self, number: u32) -> Rect {
        let x = (number as usize * BAR_WIDTH % (self.width - BAR_WIDTH + 1)) & !1;
        Rect { x, y: 0, width: BAR_WIDTH, height: self.height }
    }

    fn square(&self, number: u32) -> Rect {
        let x = to_and_fro(number as usize * 6, self.width - self.side) & !1;
        let y = self.square_top + to_and_fro(number as usize * 4, self.height - self.side - self.square_top);
        Rect { x, y: y & !1, width: self.side, height: self.side }
    }
}

/// 0, 1, .. `limit`, `limit - 1`, .. 0, 1, ..
fn to_and_fro(step: usize, limit: usize) -> usize {
    let place = step % (2 * limit).max(1);
    place.min(2 * limit - place)
}

/// Why a picture is not the frame it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternError {
    /// The pattern does not fit this size.
    Unsuited {
        /// Width asked for or received.
        width: u32,
        /// Height asked for or received.
        height: u32,
    },
    /// A picture of another size came in.
    Size {
        /// Width and height of the pattern.
        expected: (u32, u32),
        /// Width and height of the picture.
        found: (u32, u32),
    },
    /// The exact check works on I420 only.
    Layout {
        /// Layout of the picture.
        found: Layout,
    },
    /// The code does not add up: not a picture of this pattern, or damaged.
    Unreadable {
        /// The CRC that number and participant should have.
        expected: u16,
        /// The CRC read.
        found: u16,
    },
    /// Another participant's picture.
    Participant {
        /// Whose picture should have come.
        expected: u16,
        /// Whose came.
        found: u16,
    },
    /// A pixel differs.
    Pixel {
        /// The frame that the code names.
        number: u32,
        /// 0 for Y, 1 for U, 2 for V.
        plane: usize,
        /// Column in that plane.
        x: usize,
        /// Row in that plane.
        y: usize,
        /// What the frame has there.
        expected: u8,
        /// What came.
        found: u8,
    },
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unsuited { width, height } => {
                write!(f, "no test pattern fits {width}x{height} pixels; use {MIN_SIDE}x{MIN_SIDE} or more")
            }
            Self::Size { expected: (width, height), found } => {
                write!(f, "a picture of {}x{} pixels instead of {width}x{height}", found.0, found.1)
            }
            Self::Layout { found } => write!(f, "a picture in {found:?} where the pattern is sent in I420"),
            Self::Unreadable { expected, found } => write!(
                f,
                "no readable frame number (CRC {found:04x}, expected {expected:04x}); is this the test pattern?"
            ),
            Self::Participant { expected, found } => {
                write!(f, "a picture of participant {found} on the track of participant {expected}")
            }
            Self::Pixel { number, plane, x, y, expected, found } => write!(
                f,
                "frame {number} is damaged: plane {plane}, column {x}, row {y} is {found} instead of {expected}"
            ),
        }
    }
}

impl std::error::Error for PatternError {}

#[cfg(test)]
mod tests;
