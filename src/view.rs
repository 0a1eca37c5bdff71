//! Pictures and sound inside a payload: per-plane views with stride and rows.

use crate::consumer::payload::Payload;
use crate::{AudioFormat, Body, Descriptor, VideoFormat};

/// A picture.
#[derive(Debug, Clone, Copy)]
pub struct VideoView<'a> {
    format: VideoFormat,
    payload: Payload<'a>,
}

impl<'a> VideoView<'a> {
    pub(crate) fn new(descriptor: &Descriptor, payload: Payload<'a>) -> Option<Self> {
        match descriptor.body {
            Body::Video(format) => Some(Self { format, payload }),
            _ => None,
        }
    }

    /// Its format.
    pub fn format(&self) -> &VideoFormat {
        &self.format
    }

    /// Plane `plane`, if the format has so many and is known to this library.
    pub fn plane(&self, plane: usize) -> Option<PlaneView<'a>> {
        if plane >= usize::from(self.format.plane_count) {
            return None;
        }
        let (rows, row_bytes) =
            (self.format.plane_rows(plane) as usize, self.format.plane_row_bytes(plane) as usize);
        let at = self.format.planes[plane];
        let stride = at.stride as usize;
        if rows == 0 || row_bytes == 0 {
            return None;
        }
        // The descriptor was checked against the payload when the frame was received; `part` checks once more.
        let len = stride.checked_mul(rows - 1)?.checked_add(row_bytes)?;
        Some(PlaneView { bytes: self.payload.part(at.offset as usize, len)?, stride, rows, row_bytes })
    }

    /// All planes.
    pub fn planes(&self) -> impl Iterator<Item = PlaneView<'a>> + '_ {
        (0..usize::from(self.format.plane_count)).map_while(|plane| self.plane(plane))
    }
}

/// One plane of a picture.
#[derive(Debug, Clone, Copy)]
pub struct PlaneView<'a> {
    bytes: Payload<'a>,
    stride: usize,
    rows: usize,
    row_bytes: usize,
}

impl<'a> PlaneView<'a> {
    /// From the first byte of the first row to the last byte of the last row.
    pub fn bytes(&self) -> Payload<'a> {
        self.bytes
    }

    /// Bytes from one row to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of each row that are picture; the rest up to the stride is padding.
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// Row `row`, without padding.
    pub fn row(&self, row: usize) -> Option<Payload<'a>> {
        if row >= self.rows {
            return None;
        }
        self.bytes.part(row * self.stride, self.row_bytes)
    }

    /// Copies the picture to `to` with `stride` bytes from row to row, in one pass. Returns whether it fits.
    pub fn copy_to(&self, to: &mut [u8], stride: usize) -> bool {
        let needed = (self.rows - 1).checked_mul(stride).and_then(|n| n.checked_add(self.row_bytes));
        if stride < self.row_bytes || needed.is_none_or(|needed| needed > to.len()) {
            return false;
        }
        if stride == self.stride {
            self.bytes.copy_to_slice(to);
            return true;
        }
        for (row, to) in to.chunks_mut(stride).take(self.rows).enumerate() {
            self.bytes.read_at(row * self.stride, &mut to[..self.row_bytes]);
        }
        true
    }
}

/// A block of sound.
#[derive(Debug, Clone, Copy)]
pub struct AudioView<'a> {
    format: AudioFormat,
    payload: Payload<'a>,
}

impl<'a> AudioView<'a> {
    pub(crate) fn new(descriptor: &Descriptor, payload: Payload<'a>) -> Option<Self> {
        match descriptor.body {
            Body::Audio(format) => Some(Self { format, payload }),
            _ => None,
        }
    }

    /// Its format.
    pub fn format(&self) -> &AudioFormat {
        &self.format
    }

    /// The samples of one channel if the format is planar, else those of all channels in turn as plane 0.
    pub fn plane(&self, plane: usize) -> Option<Payload<'a>> {
        let (planes, samples) = if self.format.planar {
            (usize::from(self.format.channels), self.format.frames as usize)
        } else {
            (1, self.format.frames as usize * usize::from(self.format.channels))
        };
        if plane >= planes {
            return None;
        }
        let offset = plane.checked_mul(self.format.plane_stride as usize)?;
        self.payload.part(offset, samples.checked_mul(self.format.sample.bytes() as usize)?)
    }
}
