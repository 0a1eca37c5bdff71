//! The format of a raw video frame: size, colour, and where its planes lie in the payload.

use core::ops::Range;

use super::picture::{colour_range, transform};
use super::wire::{byte, half, high, low, pair, quad};
use super::{Colour, DescriptorError, FormatError, FourCc, Layout, Rect, Rotation, WORDS};

/// The greatest width or height of a picture, that of Chromium.
pub const MAX_SIZE: u32 = 32_767;

/// Describes one raw picture completely; nothing about it is agreed elsewhere.
///
/// The first [`plane_count`](Self::plane_count) entries of `planes` say where the pixels are. A frame that only tells
/// its format ([`Flags::EOS`](super::Flags::EOS), [`Flags::GAP`](super::Flags::GAP)) has no planes and no payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoFormat {
    /// The pixel format.
    pub fourcc: FourCc,
    /// Width in pixels of what the planes hold, 1 to [`MAX_SIZE`].
    pub coded_width: u32,
    /// Height in pixels of what the planes hold, 1 to [`MAX_SIZE`].
    pub coded_height: u32,
    /// The part of the coded picture to show.
    pub visible: Rect,
    /// Width to show the visible part at (it differs from the visible width if pixels are not square, and is that of
    /// the picture after its rotation), 1 to [`MAX_SIZE`].
    pub display_width: u32,
    /// Height to show the visible part at, after rotation, 1 to [`MAX_SIZE`].
    pub display_height: u32,
    /// How far to turn the picture before it is shown.
    pub rotation: Rotation,
    /// Whether to mirror the picture left to right after its rotation.
    pub flip: bool,
    /// Where the planes lie. Entries past `plane_count` are zero.
    pub planes: [Plane; 4],
    /// How many planes there are.
    pub plane_count: u8,
    /// Bits of one component that carry meaning. That of the layout for known pixel formats.
    pub bit_depth: u8,
    /// What the numbers mean as colours.
    pub colour: Colour,
    /// Nominal frames per 1000 seconds; 0 if variable or not known.
    pub fps_milli: u32,
}

/// Where one plane lies in the payload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Plane {
    /// Bytes from the start of the payload to the first row.
    pub offset: u32,
    /// Bytes from the start of one row to the start of the next.
    pub stride: u32,
}

impl VideoFormat {
    /// A picture without padding: rows and planes follow directly after each other.
    pub fn packed(fourcc: FourCc, width: u32, height: u32) -> Result<Self, FormatError> {
        Self::aligned(fourcc, width, height, 1)
    }

    /// A picture whose rows and planes start at multiples of `stride_align` bytes, a power of two.
    pub fn aligned(fourcc: FourCc, width: u32, height: u32, stride_align: u32) -> Result<Self, FormatError> {
        let layout = fourcc.layout().ok_or(FormatError::UnknownFourCc { found: fourcc })?;
        let coded_width = wire_size("coded width", width)?;
        let coded_height = wire_size("coded height", height)?;
        if !stride_align.is_power_of_two() {
            return Err(FormatError::StrideAlign { found: stride_align });
        }
        let mut planes = [Plane::default(); 4];
        let mut end = 0u64;
        for (plane, plane_layout) in planes.iter_mut().zip(layout.planes) {
            let stride = u64::from(plane_layout.row_bytes(width)).next_multiple_of(u64::from(stride_align));
            *plane = Plane { offset: payload_u32(end)?, stride: payload_u32(stride)? };
            end += stride * u64::from(plane_layout.rows(height));
        }
        let format = Self {
            fourcc,
            coded_width: width,
            coded_height: height,
            visible: Rect::whole(coded_width, coded_height),
            display_width: width,
            display_height: height,
            rotation: Rotation::None,
            flip: false,
            planes,
            plane_count: layout.planes.len() as u8,
            bit_depth: layout.bit_depth,
            colour: Colour::UNSPECIFIED,
            fps_milli: 0,
        };
        payload_u32(format.payload_len())?;
        Ok(format)
    }

    /// The same format without planes: for a frame that has no payload.
    pub const fn without_pixels(self) -> Self {
        Self { planes: [Plane { offset: 0, stride: 0 }; 4], plane_count: 0, ..self }
    }

    /// Bytes of payload that the planes need: the end of the one that ends last. Rows are counted without the padding
    /// after the last one.
    #[inline]
    pub fn payload_len(&self) -> u64 {
        let layout = self.fourcc.layout();
        let mut end = 0;
        for plane in 0..self.planes.len() {
            end = end.max(self.extent(plane, layout).end);
        }
        end
    }

    /// Number of rows of a plane; 0 if the format has no such plane or the pixel format is not known.
    pub fn plane_rows(&self, plane: usize) -> u32 {
        match self.fourcc.layout().and_then(|layout| layout.planes.get(plane)) {
            Some(layout) if plane < usize::from(self.plane_count) => layout.rows(self.coded_height),
            _ => 0,
        }
    }

    /// Bytes of one row of a plane, without padding; 0 if the format has no such plane or the pixel format is not known.
    pub fn plane_row_bytes(&self, plane: usize) -> u32 {
        match self.fourcc.layout().and_then(|layout| layout.planes.get(plane)) {
            Some(layout) if plane < usize::from(self.plane_count) => layout.row_bytes(self.coded_width),
            _ => 0,
        }
    }

    /// The bytes of the payload from the first of a plane to the last; empty if there is no such plane. Of a pixel format
    /// that is not known only the first row counts, its `stride` bytes.
    #[inline]
    pub fn plane_bytes(&self, plane: usize) -> Range<u64> {
        self.extent(plane, self.fourcc.layout())
    }

    // No sum or product here can overflow: offset + stride * (rows - 1) + row bytes < 2^32 + (2^32)(2^32 - 2) + 2^32.
    #[inline]
    fn extent(&self, plane: usize, layout: Option<&Layout>) -> Range<u64> {
        let place = match self.planes.get(plane) {
            Some(place) if plane < usize::from(self.plane_count) => *place,
            _ => return 0..0,
        };
        let bytes = match layout {
            None => u64::from(place.stride),
            Some(layout) => match layout.planes.get(plane) {
                Some(layout) => {
                    let steps = layout.rows(self.coded_height).saturating_sub(1);
                    u64::from(place.stride) * u64::from(steps) + u64::from(layout.row_bytes(self.coded_width))
                }
                None => 0,
            },
        };
        let start = u64::from(place.offset);
        start..start + bytes
    }

    /// Whether this describes a picture within a payload of `payload_len` bytes.
    ///
    /// Sizes must be 1 to [`MAX_SIZE`] and the visible part inside the coded one. A known pixel format must have its
    /// number of planes, its bit depth and strides no smaller than a row; or no planes and no payload. Of an unknown one
    /// at most four planes may be given (none leaves the layout to an agreement of the two sides), and the offset and one
    /// stride of each must lie within the payload.
    #[inline]
    pub fn check(&self, payload_len: u64) -> Result<(), FormatError> {
        let width = wire_size("coded width", self.coded_width)?;
        let height = wire_size("coded height", self.coded_height)?;
        wire_size("display width", self.display_width)?;
        wire_size("display height", self.display_height)?;
        let Rect { x, y, width: w, height: h } = self.visible;
        let inside = |start: u16, len: u16, size: u16| {
            size.checked_sub(start).is_some_and(|left| (1..=left).contains(&len))
        };
        if !inside(x, w, width) || !inside(y, h, height) {
            return Err(FormatError::VisibleRect { found: self.visible, width, height });
        }
        let layout = self.fourcc.layout();
        self.check_plane_count(layout, payload_len)?;
        for (index, plane) in self.planes.iter().enumerate() {
            if index >= usize::from(self.plane_count) {
                if *plane != Plane::default() {
                    return Err(FormatError::UnusedPlane { plane: index as u8 });
                }
                continue;
            }
            let least = layout
                .and_then(|layout| layout.planes.get(index))
                .map_or(0, |layout| layout.row_bytes(self.coded_width));
            if plane.stride < least {
                return Err(FormatError::Stride { plane: index as u8, least, found: plane.stride });
            }
            let end = self.extent(index, layout).end;
            if end > payload_len {
                return Err(FormatError::PlaneOutside { plane: index as u8, end, payload_len });
            }
        }
        Ok(())
    }

    #[inline]
    fn check_plane_count(&self, layout: Option<&Layout>, payload_len: u64) -> Result<(), FormatError> {
        let found = self.plane_count;
        let Some(layout) = layout else {
            return if found <= 4 { Ok(()) } else { Err(FormatError::TooManyPlanes { found }) };
        };
        let expected = layout.planes.len() as u8;
        if found != expected && !(found == 0 && payload_len == 0) {
            return Err(FormatError::PlaneCount { fourcc: self.fourcc, expected, found });
        }
        if self.bit_depth != layout.bit_depth {
            let (fourcc, expected) = (self.fourcc, layout.bit_depth);
            return Err(FormatError::BitDepth { fourcc, expected, found: self.bit_depth });
        }
        Ok(())
    }

    /// Writes words 8 to 15. The format must have passed [`check`](Self::check): sizes then fit into 16 bits.
    #[inline]
    pub(super) fn write(&self, words: &mut [u64; WORDS]) {
        let Rect { x, y, width, height } = self.visible;
        let transform = self.rotation as u8 | u8::from(self.flip) << 2;
        let Colour { primaries, transfer, matrix, range } = self.colour;
        words[8] = pair(self.fourcc.0, self.fps_milli);
        words[9] = quad([self.coded_width as u16, self.coded_height as u16, x, y]);
        words[10] = quad([width, height, self.display_width as u16, self.display_height as u16]);
        words[11] = u64::from_le_bytes([
            transform,
            self.plane_count,
            self.bit_depth,
            range as u8,
            primaries,
            transfer,
            matrix,
            0,
        ]);
        for (word, plane) in words[12..16].iter_mut().zip(self.planes) {
            *word = pair(plane.offset, plane.stride);
        }
    }

    /// Reads words 8 to 15. The format still has to pass [`check`](Self::check).
    #[inline]
    pub(super) fn read(words: &[u64; WORDS]) -> Result<Self, DescriptorError> {
        let look = words[11];
        let (rotation, flip) = transform(byte(look, 0))?;
        let mut planes = [Plane::default(); 4];
        for (plane, word) in planes.iter_mut().zip(&words[12..16]) {
            *plane = Plane { offset: low(*word), stride: high(*word) };
        }
        Ok(Self {
            fourcc: FourCc(low(words[8])),
            coded_width: half(words[9], 0).into(),
            coded_height: half(words[9], 1).into(),
            visible: Rect {
                x: half(words[9], 2),
                y: half(words[9], 3),
                width: half(words[10], 0),
                height: half(words[10], 1),
            },
            display_width: half(words[10], 2).into(),
            display_height: half(words[10], 3).into(),
            rotation,
            flip,
            planes,
            plane_count: byte(look, 1),
            bit_depth: byte(look, 2),
            colour: Colour {
                primaries: byte(look, 4),
                transfer: byte(look, 5),
                matrix: byte(look, 6),
                range: colour_range(byte(look, 3))?,
            },
            fps_milli: high(words[8]),
        })
    }
}

/// A width or height as it is on the wire.
#[inline]
fn wire_size(field: &'static str, found: u32) -> Result<u16, FormatError> {
    match found {
        1..=MAX_SIZE => Ok(found as u16),
        _ => Err(FormatError::Size { field, found }),
    }
}

/// A number of bytes of a payload as it is on the wire.
fn payload_u32(needed: u64) -> Result<u32, FormatError> {
    u32::try_from(needed).map_err(|_| FormatError::TooLarge { needed })
}
