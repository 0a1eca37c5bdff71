//! The burnt-in code: a grid of black and white cells that says which frame of which participant this is.
//!
//! 16 x 4 cells hold, most significant bit first, the frame number (32 bits), the participant (16) and a CRC-16
//! over both. Cells are at least 4x4 pixels and are read by the mean of their inner part, so the code survives
//! lossy compression; the CRC refuses what did not.

use super::PatternError;
use crate::media::Picture;

/// Cells across.
pub(super) const COLUMNS: usize = 16;
/// Cells down.
pub(super) const ROWS: usize = 4;
/// Luma that parts black cells from white ones, in both ranges.
const THRESHOLD: u32 = 126;

/// What the burnt-in code of a picture says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Which frame of the participant.
    pub number: u32,
    /// Who sent it.
    pub participant: u16,
}

impl Code {
    /// The 64 cells as bits; the top left cell is the most significant one.
    pub(super) fn to_bits(self) -> u64 {
        let content = u64::from(self.number) << 16 | u64::from(self.participant);
        content << 16 | u64::from(crc16(content))
    }

    fn from_bits(bits: u64) -> Result<Self, PatternError> {
        let content = bits >> 16;
        let (expected, found) = (crc16(content), bits as u16);
        if expected != found {
            return Err(PatternError::Unreadable { expected, found });
        }
        Ok(Self { number: (content >> 16) as u32, participant: content as u16 })
    }
}

/// Side of a cell in pixels, a multiple of 4.
pub(super) fn cell_side(width: u32, height: u32) -> usize {
    (width.min(height) as usize / COLUMNS).clamp(4, 16) & !3
}

/// Reads the code off a picture of any layout, also one that went through lossy compression.
pub fn read_code(picture: &Picture<'_>) -> Result<Code, PatternError> {
    super::check_size(picture.width(), picture.height())?;
    let side = cell_side(picture.width(), picture.height());
    let mut bits = 0;
    for index in 0..COLUMNS * ROWS {
        let (x, y) = (index % COLUMNS * side, index / COLUMNS * side);
        let white = inner_mean(picture, x, y, side) >= THRESHOLD;
        bits = bits << 1 | u64::from(white);
    }
    Code::from_bits(bits)
}

/// Reads only the frame number; see [`read_code`].
pub fn read_number(picture: &Picture<'_>) -> Result<u32, PatternError> {
    read_code(picture).map(|code| code.number)
}

/// Mean luma of the inner quarter of a square.
pub(super) fn inner_mean(picture: &Picture<'_>, x: usize, y: usize, side: usize) -> u32 {
    let inner = side / 4..side - side / 4;
    let row_sum = |row| -> u32 {
        let row = &picture.row(0, y + row)[x..x + side];
        row[inner.clone()].iter().map(|&luma| u32::from(luma)).sum()
    };
    let sum: u32 = inner.clone().map(row_sum).sum();
    sum / (inner.len() * inner.len()) as u32
}

/// CRC-16/CCITT (polynomial 0x1021, from 0xFFFF) over the low six bytes, so that neither an all black nor an all
/// white picture reads as a frame.
fn crc16(content: u64) -> u16 {
    content.to_be_bytes()[2..].iter().fold(0xFFFF, |crc: u16, &byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| match crc & 0x8000 {
            0 => crc << 1,
            _ => crc << 1 ^ 0x1021,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_round_trip_and_every_single_flip_is_refused() {
        let code = Code { number: 0xDEAD_BEEF, participant: 7 };
        assert_eq!(Code::from_bits(code.to_bits()), Ok(code));
        for bit in 0..64 {
            assert!(Code::from_bits(code.to_bits() ^ 1 << bit).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn plain_pictures_are_no_frames() {
        assert!(Code::from_bits(0).is_err());
        assert!(Code::from_bits(u64::MAX).is_err());
    }
}
