//! Between the formats of the ring and those of [`media`](crate::media): planar 8-bit pictures, interleaved `f32` sound.
//!
//! Planes that are 8-bit and planar already are borrowed; other formats are converted: 10 bits lose their lowest two,
//! alpha is left out, RGB becomes BT.601 YCbCr at full chroma size. Only the visible part of a picture is taken. How it is
//! to be turned is left to whoever shows it.

use std::fmt;

use frame_ring::{AudioFormat, ColourRange, FourCc, Payload, SampleFormat, VideoFormat};

use crate::media::{FrameRate, Layout, Picture, PictureError, Plane, Range};

/// The payload's bytes: in place if producers are trusted, else a private copy, which nobody writes to any more.
pub fn bytes<'a>(payload: &Payload<'a>, copy: &'a mut Vec<u8>) -> &'a [u8] {
    if let Some(bytes) = payload.as_slice() {
        return bytes;
    }
    copy.resize(payload.len(), 0);
    let len = payload.copy_to_slice(copy);
    &copy[..len]
}

/// The layout that pictures of a pixel format have after [`picture`].
pub fn layout(fourcc: FourCc) -> Result<Layout, ConvertError> {
    Ok(match fourcc {
        FourCc::I420 | FourCc::I420A | FourCc::NV12 | FourCc::P010 | FourCc::I010 => Layout::I420,
        FourCc::I422 | FourCc::I210 => Layout::I422,
        FourCc::I444 | FourCc::I410 => Layout::I444,
        FourCc::RGBA | FourCc::BGRA | FourCc::RGBX | FourCc::BGRX => Layout::I444,
        FourCc::GREY => Layout::Mono,
        found => return Err(ConvertError::PixelFormat { found }),
    })
}

/// The pixel format of a layout, without conversion.
pub fn fourcc(layout: Layout) -> FourCc {
    match layout {
        Layout::I420 => FourCc::I420,
        Layout::I422 => FourCc::I422,
        Layout::I444 => FourCc::I444,
        Layout::Mono => FourCc::GREY,
    }
}

/// The range of code values after [`picture`].
pub fn range(format: &VideoFormat) -> Range {
    match format.colour.range {
        ColourRange::Full if !is_rgb(format.fourcc) => Range::Full,
        _ => Range::Limited,
    }
}

/// The nominal rate of a picture's track, if it says one.
pub fn rate(format: &VideoFormat) -> Option<FrameRate> {
    let milli = format.fps_milli;
    // 29,970 of a thousand seconds is NTSC's way to say 30,000 of 1001.
    let whole = (u64::from(milli) * 1001 + 500_000) / 1_000_000;
    if milli % 1000 != 0 && (whole * 1_000_000 / 1001).abs_diff(milli.into()) <= 1 {
        return FrameRate::new(whole as u32 * 1000, 1001);
    }
    match milli % 1000 {
        0 => FrameRate::new(milli / 1000, 1),
        _ => FrameRate::new(milli, 1000),
    }
}

/// A rate as descriptors have it.
pub fn fps_milli(rate: FrameRate) -> u32 {
    u32::try_from(u64::from(rate.numerator()) * 1000 / u64::from(rate.denominator())).unwrap_or(0)
}

/// The visible part of a picture whose payload is `bytes`. What must be converted is put into `scratch`.
pub fn picture<'a>(
    format: &VideoFormat,
    bytes: &'a [u8],
    scratch: &'a mut Vec<u8>,
) -> Result<Picture<'a>, ConvertError> {
    let layout = layout(format.fourcc)?;
    let source = Source { format, bytes };
    let (width, height) = source.size();
    scratch.clear();
    if is_rgb(format.fourcc) {
        source.rgb_to(scratch)?;
    } else if format.bit_depth > 8 || format.fourcc == FourCc::NV12 {
        source.samples_to(layout, scratch)?;
    } else {
        let mut planes = [Plane { data: &[], stride: 0 }; 3];
        let count = layout.plane_count();
        for (index, plane) in planes.iter_mut().enumerate().take(count) {
            *plane = source.plane(index)?;
        }
        let picture = Picture::new(layout, width, height, &planes[..count]).map_err(ConvertError::Picture)?;
        return Ok(picture.with_range(range(format)));
    }
    let picture = Picture::packed(layout, width, height, scratch).map_err(ConvertError::Picture)?;
    Ok(picture.with_range(range(format)))
}

/// The samples of a block of sound whose payload is `bytes`, interleaved, in `out`.
pub fn sound(format: &AudioFormat, bytes: &[u8], out: &mut Vec<f32>) -> Result<(), ConvertError> {
    let (channels, frames, size) =
        (usize::from(format.channels), format.frames as usize, format.sample.bytes() as usize);
    out.clear();
    out.resize(channels * frames, 0.0);
    for plane in 0..format.plane_count() {
        let range = format.plane_bytes(plane);
        let (start, end) = (range.start as usize, range.end as usize);
        let samples = bytes.get(start..end).ok_or(ConvertError::Short { needed: end, found: bytes.len() })?;
        let to = out.iter_mut().skip(plane.into()).step_by(if format.planar { channels } else { 1 });
        to.zip(samples.chunks_exact(size)).for_each(|(to, sample)| *to = value(format.sample, sample));
    }
    Ok(())
}

fn value(format: SampleFormat, bytes: &[u8]) -> f32 {
    match (format, bytes) {
        (SampleFormat::U8, &[byte]) => (f32::from(byte) - 128.0) / 128.0,
        (SampleFormat::S16, &[a, b]) => f32::from(i16::from_le_bytes([a, b])) / 32_768.0,
        (SampleFormat::S32, &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]) as f32 / 2_147_483_648.0,
        (SampleFormat::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
        // Chunks have the size of a sample.
        _ => 0.0,
    }
}

fn is_rgb(fourcc: FourCc) -> bool {
    matches!(fourcc, FourCc::RGBA | FourCc::BGRA | FourCc::RGBX | FourCc::BGRX)
}

/// A picture as it lies in the payload.
struct Source<'a, 'f> {
    format: &'f VideoFormat,
    bytes: &'a [u8],
}

impl<'a> Source<'a, '_> {
    fn size(&self) -> (u32, u32) {
        (self.format.visible.width.into(), self.format.visible.height.into())
    }

    /// The visible part of plane `index`.
    fn plane(&self, index: usize) -> Result<Plane<'a>, ConvertError> {
        let fourcc = self.format.fourcc;
        let planes = fourcc.layout().ok_or(ConvertError::PixelFormat { found: fourcc })?.planes;
        let place = planes.get(index).filter(|_| index < usize::from(self.format.plane_count));
        let place = place.ok_or(ConvertError::Empty)?;
        let at = self.format.planes[index];
        let (x, y) = (self.format.visible.x >> place.shift_x, self.format.visible.y >> place.shift_y);
        let skip = usize::from(y) * at.stride as usize + usize::from(x) * usize::from(place.sample_bytes);
        let start = at.offset as usize + skip;
        let data = self.bytes.get(start..);
        let data = data.ok_or(ConvertError::Short { needed: start, found: self.bytes.len() })?;
        Ok(Plane { data, stride: at.stride as usize })
    }

    /// The visible bytes of row `y` of plane `index`, which has `columns` positions of `size` bytes.
    fn row(plane: &Plane<'a>, y: usize, columns: usize, size: usize) -> Result<&'a [u8], ConvertError> {
        let start = y * plane.stride;
        let end = start + columns * size;
        plane.data.get(start..end).ok_or(ConvertError::Short { needed: end, found: plane.data.len() })
    }

    /// Appends packed 8-bit planes of `layout`, from samples of 16 bits or chroma that alternates.
    fn samples_to(&self, layout: Layout, out: &mut Vec<u8>) -> Result<(), ConvertError> {
        let (width, height) = self.size();
        let alternates = matches!(self.format.fourcc, FourCc::NV12 | FourCc::P010);
        let bytes = if self.format.bit_depth > 8 { 2 } else { 1 };
        // The high byte of a sample that sits in the high bits is its 8 most significant bits.
        let shift = if self.format.fourcc == FourCc::P010 { 8 } else { 2 };
        let reduce = |sample: &[u8]| match *sample {
            [low, high] => (u16::from_le_bytes([low, high]) >> shift).min(255) as u8,
            _ => sample[0],
        };
        for index in 0..layout.plane_count() {
            let (columns, rows) = layout.plane_size(index, width, height);
            let shared = alternates && index > 0;
            let plane = self.plane(if shared { 1 } else { index })?;
            let (step, skip) = if shared { (2 * bytes, (index - 1) * bytes) } else { (bytes, 0) };
            for y in 0..rows {
                let row = Self::row(&plane, y, columns, step)?;
                out.extend(row.chunks_exact(step).map(|at| reduce(&at[skip..skip + bytes])));
            }
        }
        Ok(())
    }

    /// Appends packed Y, Cb and Cr planes at full size, BT.601 in limited range.
    fn rgb_to(&self, out: &mut Vec<u8>) -> Result<(), ConvertError> {
        let (width, height) = self.size();
        let (width, height) = (width as usize, height as usize);
        let plane = self.plane(0)?;
        let red_first = matches!(self.format.fourcc, FourCc::RGBA | FourCc::RGBX);
        out.resize(3 * width * height, 0);
        let (luma, chroma) = out.split_at_mut(width * height);
        let (blue, red) = chroma.split_at_mut(width * height);
        for y in 0..height {
            let row = Self::row(&plane, y, width, 4)?;
            for (x, pixel) in row.chunks_exact(4).enumerate() {
                let [a, g, c] = [pixel[0], pixel[1], pixel[2]].map(i32::from);
                let (r, b) = if red_first { (a, c) } else { (c, a) };
                let at = y * width + x;
                luma[at] = (16 + ((66 * r + 129 * g + 25 * b + 128) >> 8)) as u8;
                blue[at] = (128 + ((-38 * r - 74 * g + 112 * b + 128) >> 8)) as u8;
                red[at] = (128 + ((112 * r - 94 * g - 18 * b + 128) >> 8)) as u8;
            }
        }
        Ok(())
    }
}

/// Why a frame is no picture or sound that can be used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConvertError {
    /// A pixel format that this version does not know.
    PixelFormat {
        /// Its code.
        found: FourCc,
    },
    /// A frame that tells its format but has no pixels.
    Empty,
    /// Fewer bytes than the format needs.
    Short {
        /// Bytes needed.
        needed: usize,
        /// Bytes there.
        found: usize,
    },
    /// The size is not one of a picture.
    Picture(PictureError),
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PixelFormat { found } => {
                write!(
                    f,
                    "pixel format {found:?} cannot be converted; send YU12, NV12, YU16, YU24, AR24 or AB24"
                )
            }
            Self::Empty => write!(f, "the frame has no pixels"),
            Self::Short { needed, found } => write!(f, "the frame needs {needed} bytes and has {found}"),
            Self::Picture(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for ConvertError {}

#[cfg(test)]
mod tests;
