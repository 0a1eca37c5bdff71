//! Pictures and sound as a producer has them: planes with strides, channels apart or interleaved.

use super::error::SendError;
use super::grant::Grant;
use crate::{AudioFormat, FormatError, VideoFormat};

/// A picture in the producer's memory.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// How it is to lie in the ring; [`VideoFormat::packed`] makes one without padding.
    pub format: VideoFormat,
    /// The planes' bytes and strides here, in the order of the format.
    pub planes: &'a [(&'a [u8], usize)],
}

impl Picture<'_> {
    /// Checks that all planes are there and long enough.
    pub(super) fn check(&self) -> Result<(), SendError> {
        self.format.check(self.format.payload_len()).map_err(SendError::Format)?;
        if self.format.fourcc.layout().is_none() {
            // How many rows to copy is not known.
            return Err(SendError::Format(FormatError::UnknownFourCc { found: self.format.fourcc }));
        }
        for plane in 0..usize::from(self.format.plane_count) {
            let (rows, row_bytes) = self.plane_size(plane);
            let (bytes, stride) = self.planes.get(plane).copied().unwrap_or((&[], row_bytes));
            let expected = (rows - 1).saturating_mul(stride).saturating_add(row_bytes);
            if stride < row_bytes || bytes.len() < expected {
                return Err(SendError::ShortPlane { plane, expected, found: bytes.len() });
            }
        }
        Ok(())
    }

    /// Copies the planes into a grant of the format's length, in one pass.
    pub(super) fn write(&self, grant: &mut Grant<'_>) {
        for (plane, (bytes, stride)) in
            self.planes.iter().enumerate().take(usize::from(self.format.plane_count))
        {
            let (rows, row_bytes) = self.plane_size(plane);
            let to = self.format.planes[plane];
            if *stride == to.stride as usize {
                grant.write_at(to.offset as usize, &bytes[..(rows - 1) * stride + row_bytes]);
                continue;
            }
            for row in 0..rows {
                let from = &bytes[row * stride..row * stride + row_bytes];
                grant.write_at(to.offset as usize + row * to.stride as usize, from);
            }
        }
    }

    fn plane_size(&self, plane: usize) -> (usize, usize) {
        (self.format.plane_rows(plane).max(1) as usize, self.format.plane_row_bytes(plane) as usize)
    }
}

/// A block of sound in the producer's memory.
#[derive(Debug, Clone, Copy)]
pub struct Sound<'a> {
    /// How it is to lie in the ring.
    pub format: AudioFormat,
    /// One slice for each channel if the format is planar, else one for all.
    pub planes: &'a [&'a [u8]],
}

impl Sound<'_> {
    pub(super) fn check(&self) -> Result<(), SendError> {
        self.format.check(self.format.payload_len()).map_err(SendError::Format)?;
        let (planes, expected) = self.plane_size();
        for plane in 0..planes {
            let found = self.planes.get(plane).map_or(0, |bytes| bytes.len());
            if found < expected {
                return Err(SendError::ShortPlane { plane, expected, found });
            }
        }
        Ok(())
    }

    pub(super) fn write(&self, grant: &mut Grant<'_>) {
        let (planes, len) = self.plane_size();
        for (plane, bytes) in self.planes.iter().enumerate().take(planes) {
            grant.write_at(plane * self.format.plane_stride as usize, &bytes[..len]);
        }
    }

    /// Number of planes and bytes in each.
    fn plane_size(&self) -> (usize, usize) {
        let samples = self.format.frames as usize * self.format.sample.bytes() as usize;
        if self.format.planar {
            (usize::from(self.format.channels), samples)
        } else {
            (1, samples * usize::from(self.format.channels))
        }
    }
}
