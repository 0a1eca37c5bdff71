//! Planar 8-bit pictures: a borrowed view over up to three planes, each with its own stride.
//!
//! A [`Picture`] is checked once, when it is made; after that every row can be read without further checks by
//! the caller. Packed and high bit depth formats are out of scope: convert them before.

use std::fmt;

/// The widest and the highest picture accepted, in pixels.
pub const MAX_SIDE: u32 = 16_384;

/// Which planes a picture has and how the chroma planes are subsampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Y, U, V; chroma halved in both directions (odd sizes round up).
    I420,
    /// Y, U, V; chroma halved horizontally.
    I422,
    /// Y, U, V; chroma at full size.
    I444,
    /// Y only.
    Mono,
}

impl Layout {
    /// How many planes a picture of this layout has.
    pub fn plane_count(self) -> usize {
        if self == Layout::Mono {
            1
        } else {
            3
        }
    }

    /// By how much chroma is smaller than luma: `(horizontally, vertically)`.
    pub fn subsampling(self) -> (u32, u32) {
        match self {
            Layout::I420 => (2, 2),
            Layout::I422 => (2, 1),
            Layout::I444 | Layout::Mono => (1, 1),
        }
    }

    /// Columns and rows of plane `index` in a picture of `width` x `height`.
    pub fn plane_size(self, index: usize, width: u32, height: u32) -> (usize, usize) {
        let (x, y) = if index == 0 { (1, 1) } else { self.subsampling() };
        (width.div_ceil(x) as usize, height.div_ceil(y) as usize)
    }

    /// Bytes of a picture without padding; `None` if a side is 0 or above [`MAX_SIDE`].
    pub fn packed_len(self, width: u32, height: u32) -> Option<usize> {
        let sides = 1..=MAX_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) {
            return None;
        }
        let plane = |index| {
            let (columns, rows) = self.plane_size(index, width, height);
            columns * rows
        };
        Some((0..self.plane_count()).map(plane).sum())
    }
}

/// Which code values mean black and white.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Range {
    /// 16..=235 for luma, 16..=240 for chroma: what video usually uses.
    #[default]
    Limited,
    /// 0..=255: what JPEG uses.
    Full,
}

/// One plane as it comes in: rows of samples, `stride` bytes apart.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// The samples, the first row first. The last row may end without padding.
    pub data: &'a [u8],
    /// Bytes from the start of one row to the start of the next.
    pub stride: usize,
}

/// A view of one picture. Cheap to copy; it borrows its planes.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    layout: Layout,
    width: u32,
    height: u32,
    range: Range,
    planes: [Plane<'a>; 3],
}

impl<'a> Picture<'a> {
    /// A picture over `planes`, one for each plane of `layout`, [`Range::Limited`].
    pub fn new(layout: Layout, width: u32, height: u32, planes: &[Plane<'a>]) -> Result<Self, PictureError> {
        layout.packed_len(width, height).ok_or(PictureError::Size { width, height })?;
        if planes.len() != layout.plane_count() {
            return Err(PictureError::Planes { expected: layout.plane_count(), found: planes.len() });
        }
        let mut checked = [Plane { data: &[], stride: 0 }; 3];
        for (index, plane) in planes.iter().enumerate() {
            let (columns, rows) = layout.plane_size(index, width, height);
            if plane.stride < columns {
                return Err(PictureError::Stride { plane: index, expected: columns, found: plane.stride });
            }
            let expected = plane.stride.checked_mul(rows - 1).and_then(|above| above.checked_add(columns));
            match expected {
                Some(expected) if plane.data.len() >= expected => checked[index] = *plane,
                _ => {
                    let expected = expected.unwrap_or(usize::MAX);
                    return Err(PictureError::Data { plane: index, expected, found: plane.data.len() });
                }
            }
        }
        Ok(Self { layout, width, height, range: Range::Limited, planes: checked })
    }

    /// A picture whose planes follow each other in `data` without any padding.
    pub fn packed(layout: Layout, width: u32, height: u32, data: &'a [u8]) -> Result<Self, PictureError> {
        let expected = layout.packed_len(width, height).ok_or(PictureError::Size { width, height })?;
        if data.len() != expected {
            return Err(PictureError::Data { plane: 0, expected, found: data.len() });
        }
        let mut planes = [Plane { data: &[], stride: 0 }; 3];
        let mut rest = data;
        for (index, plane) in planes.iter_mut().take(layout.plane_count()).enumerate() {
            let (columns, rows) = layout.plane_size(index, width, height);
            let (own, others) = rest.split_at(columns * rows);
            *plane = Plane { data: own, stride: columns };
            rest = others;
        }
        Ok(Self { layout, width, height, range: Range::Limited, planes })
    }

    /// The same picture with its code values read as `range`.
    pub fn with_range(mut self, range: Range) -> Self {
        self.range = range;
        self
    }

    /// Planes and subsampling.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// How code values map to brightness.
    pub fn range(&self) -> Range {
        self.range
    }

    /// Columns and rows of plane `index`.
    pub fn plane_size(&self, index: usize) -> (usize, usize) {
        self.layout.plane_size(index, self.width, self.height)
    }

    /// Row `y` of plane `index` without its padding.
    ///
    /// # Panics
    /// If the picture has no such plane or row.
    pub fn row(&self, index: usize, y: usize) -> &'a [u8] {
        let (columns, rows) = self.plane_size(index);
        assert!(index < self.layout.plane_count() && y < rows, "no row {y} in plane {index} of {self:?}");
        let start = y * self.planes[index].stride;
        &self.planes[index].data[start..start + columns]
    }

    /// The plane's samples in one piece, if its rows follow each other without padding.
    pub fn contiguous_plane(&self, index: usize) -> Option<&'a [u8]> {
        let (columns, rows) = self.plane_size(index);
        let plane = self.planes[index];
        (plane.stride == columns).then(|| &plane.data[..columns * rows])
    }
}

/// Why planes do not make a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureError {
    /// A side is 0 or above [`MAX_SIDE`].
    Size {
        /// Width asked for.
        width: u32,
        /// Height asked for.
        height: u32,
    },
    /// The layout has another number of planes.
    Planes {
        /// Planes of the layout.
        expected: usize,
        /// Planes given.
        found: usize,
    },
    /// Rows would overlap.
    Stride {
        /// Index of the plane.
        plane: usize,
        /// The least possible stride.
        expected: usize,
        /// The stride given.
        found: usize,
    },
    /// Too few bytes (or, for a packed picture, not exactly as many as it needs).
    Data {
        /// Index of the plane.
        plane: usize,
        /// Bytes needed.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
}

impl fmt::Display for PictureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Size { width, height } => {
                write!(f, "a picture of {width}x{height} pixels; each side must be 1 to {MAX_SIDE}")
            }
            Self::Planes { expected, found } => write!(f, "{found} planes where the layout has {expected}"),
            Self::Stride { plane, expected, found } => {
                write!(f, "plane {plane} has a stride of {found} bytes; its rows need {expected}")
            }
            Self::Data { plane, expected, found } => {
                write!(f, "plane {plane} has {found} bytes; size and stride need {expected}")
            }
        }
    }
}

impl std::error::Error for PictureError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_planes_follow_each_other() {
        let data: Vec<u8> = (0..15 + 6 + 6).collect();
        let picture = Picture::packed(Layout::I420, 5, 3, &data).unwrap();
        assert_eq!(picture.row(0, 2), [10, 11, 12, 13, 14]);
        assert_eq!(picture.row(1, 1), [18, 19, 20]);
        assert_eq!(picture.row(2, 0), [21, 22, 23]);
        assert_eq!(picture.contiguous_plane(2), Some(&data[21..]));
    }

    #[test]
    fn strides_are_honoured_and_the_last_row_needs_no_padding() {
        let data: Vec<u8> = (0..8 + 5).collect();
        let picture = Picture::new(Layout::Mono, 5, 2, &[Plane { data: &data, stride: 8 }]).unwrap();
        assert_eq!(picture.row(0, 1), [8, 9, 10, 11, 12]);
        assert_eq!(picture.contiguous_plane(0), None);
    }

    #[test]
    fn refusals_name_the_plane() {
        let (luma, chroma) = ([0u8; 16], [0u8; 4]);
        let plane = |data, stride| Plane { data, stride };
        let make = |planes: &[Plane<'_>]| Picture::new(Layout::I420, 4, 4, planes).unwrap_err();
        assert_eq!(make(&[plane(&luma, 4)]), PictureError::Planes { expected: 3, found: 1 });
        assert_eq!(
            make(&[plane(&luma, 4), plane(&chroma, 2), plane(&chroma, 1)]),
            PictureError::Stride { plane: 2, expected: 2, found: 1 }
        );
        assert_eq!(
            make(&[plane(&luma, 4), plane(&chroma[..3], 2), plane(&chroma, 2)]),
            PictureError::Data { plane: 1, expected: 4, found: 3 }
        );
        assert_eq!(
            make(&[plane(&luma, usize::MAX), plane(&chroma, 2), plane(&chroma, 2)]),
            PictureError::Data { plane: 0, expected: usize::MAX, found: 16 }
        );
        assert!(matches!(Picture::packed(Layout::I420, 0, 4, &[]), Err(PictureError::Size { .. })));
        assert!(matches!(
            Picture::packed(Layout::I420, 4, MAX_SIDE + 1, &[]),
            Err(PictureError::Size { .. })
        ));
        assert!(matches!(Picture::packed(Layout::I420, 4, 4, &[0; 25]), Err(PictureError::Data { .. })));
    }
}
