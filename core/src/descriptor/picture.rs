//! How a picture is to be shown: which part of it, which way up, in which colours.

use super::DescriptorError;

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rect {
    /// Pixels left of it.
    pub x: u16,
    /// Pixels above it.
    pub y: u16,
    /// Width.
    pub width: u16,
    /// Height.
    pub height: u16,
}

/// A clockwise turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Rotation {
    /// None.
    #[default]
    None = 0,
    /// A quarter turn.
    Clockwise90 = 1,
    /// Upside down.
    Half = 2,
    /// Three quarters, or a quarter turn counter-clockwise.
    Clockwise270 = 3,
}

/// Colour by the code points of ITU-T H.273 (the same as in AV1, VP9, HEVC and FFmpeg). Every code passes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    /// Colour primaries; 2 = unspecified.
    pub primaries: u8,
    /// Transfer characteristics; 2 = unspecified.
    pub transfer: u8,
    /// Matrix coefficients; 2 = unspecified, 0 = RGB.
    pub matrix: u8,
    /// Which numbers stand for black and white.
    pub range: ColourRange,
}

/// Which numbers stand for black and white.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum ColourRange {
    /// Not said.
    #[default]
    Unspecified = 0,
    /// "Studio" or "TV" range, 16 to 235 for 8-bit luma.
    Limited = 1,
    /// All numbers.
    Full = 2,
}

impl Rect {
    /// The rectangle of a whole picture of this size.
    pub const fn whole(width: u16, height: u16) -> Self {
        Self { x: 0, y: 0, width, height }
    }
}

impl Rotation {
    /// The turn in degrees.
    pub const fn degrees(self) -> u16 {
        self as u16 * 90
    }
}

impl Colour {
    /// Nothing is said about the colours.
    pub const UNSPECIFIED: Self =
        Self { primaries: 2, transfer: 2, matrix: 2, range: ColourRange::Unspecified };
    /// BT.709, limited range: what video calls mostly carry.
    pub const BT709: Self = Self { primaries: 1, transfer: 1, matrix: 1, range: ColourRange::Limited };
    /// BT.601 with 525 lines, limited range.
    pub const BT601: Self = Self { primaries: 6, transfer: 6, matrix: 6, range: ColourRange::Limited };
    /// sRGB, full range.
    pub const SRGB: Self = Self { primaries: 1, transfer: 13, matrix: 0, range: ColourRange::Full };
}

impl Default for Colour {
    fn default() -> Self {
        Self::UNSPECIFIED
    }
}

/// The rotation and flip of a byte on the wire.
#[inline]
pub(super) fn transform(found: u8) -> Result<(Rotation, bool), DescriptorError> {
    if found > 7 {
        return Err(DescriptorError::UnknownValue { field: "transform", found });
    }
    let rotation = match found & 3 {
        0 => Rotation::None,
        1 => Rotation::Clockwise90,
        2 => Rotation::Half,
        _ => Rotation::Clockwise270,
    };
    Ok((rotation, found & 4 != 0))
}

/// The colour range of a byte on the wire.
#[inline]
pub(super) fn colour_range(found: u8) -> Result<ColourRange, DescriptorError> {
    match found {
        0 => Ok(ColourRange::Unspecified),
        1 => Ok(ColourRange::Limited),
        2 => Ok(ColourRange::Full),
        _ => Err(DescriptorError::UnknownValue { field: "colour range", found }),
    }
}
