//! Pictures as JPEG, straight from their planes: no conversion to RGB and back, chroma as it came.
//!
//! JPEG uses the full range of code values; limited-range pictures are stretched to it on the way, so that players
//! show black as black. The colour matrix is not converted: JPEG means BT.601, and most players go by the size of
//! the picture or by the container anyway.

use std::fmt;

use jpeg_encoder::{Encoder, EncodingError, ImageBuffer, JpegColorType, SamplingFactor};

use super::{Layout, Picture, Range};

/// Appends `picture` to `out` as a baseline JPEG; `quality` from 1 to 100.
pub fn encode(picture: &Picture<'_>, quality: u8, out: &mut Vec<u8>) -> Result<(), JpegError> {
    let mut encoder = Encoder::new(out, quality.clamp(1, 100));
    encoder.set_sampling_factor(match picture.layout() {
        Layout::I420 => SamplingFactor::R_4_2_0,
        Layout::I422 => SamplingFactor::R_4_2_2,
        Layout::I444 | Layout::Mono => SamplingFactor::R_4_4_4,
    });
    encoder.encode_image(Planes(picture)).map_err(JpegError)
}

/// The encoder asks for full-size chroma rows and takes every other sample of them, so doubling is lossless.
struct Planes<'a>(&'a Picture<'a>);

impl ImageBuffer for Planes<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        match self.0.layout() {
            Layout::Mono => JpegColorType::Luma,
            _ => JpegColorType::Ycbcr,
        }
    }

    fn width(&self) -> u16 {
        // A picture is at most 16,384 wide and high.
        self.0.width() as u16
    }

    fn height(&self) -> u16 {
        self.0.height() as u16
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let stretch = self.0.range() == Range::Limited;
        let (across, down) = self.0.layout().subsampling();
        for (plane, buffer) in buffers.iter_mut().enumerate().take(self.0.layout().plane_count()) {
            let start = buffer.len();
            if plane == 0 {
                buffer.extend_from_slice(self.0.row(0, usize::from(y)));
            } else {
                let row = self.0.row(plane, usize::from(y) / down as usize);
                if across == 1 {
                    buffer.extend_from_slice(row);
                } else {
                    buffer.extend(row.iter().flat_map(|&sample| [sample; 2]));
                    buffer.truncate(start + self.0.width() as usize);
                }
            }
            if stretch {
                let samples = buffer[start..].iter_mut();
                if plane == 0 {
                    samples.for_each(|sample| *sample = stretch_luma(*sample));
                } else {
                    samples.for_each(|sample| *sample = stretch_chroma(*sample));
                }
            }
        }
    }
}

/// 16..=235 to 0..=255.
fn stretch_luma(sample: u8) -> u8 {
    let above_black = u32::from(sample.saturating_sub(16));
    ((above_black * 298 + 128) >> 8).min(255) as u8
}

/// 16..=240 around 128 to 1..=255 around 128.
fn stretch_chroma(sample: u8) -> u8 {
    let from_grey = i32::from(sample) - 128;
    (((from_grey * 291 + 128) >> 8) + 128).clamp(0, 255) as u8
}

/// The encoder failed.
#[derive(Debug)]
pub struct JpegError(EncodingError);

impl fmt::Display for JpegError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot encode a picture as JPEG: {}", self.0)
    }
}

impl std::error::Error for JpegError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::{flash_lit, read_number, Pattern};
    use super::super::{FrameRate, Plane};
    use super::*;
    use zune_jpeg::zune_core::bytestream::ZCursor;
    use zune_jpeg::zune_core::colorspace::ColorSpace;
    use zune_jpeg::zune_core::options::DecoderOptions;
    use zune_jpeg::JpegDecoder;

    /// Decodes to interleaved Y, Cb, Cr, or Y alone.
    fn decode(jpeg: &[u8], to: ColorSpace) -> (usize, usize, Vec<u8>) {
        let options = DecoderOptions::default().jpeg_set_out_colorspace(to);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
        let samples = decoder.decode().unwrap();
        let (width, height) = decoder.dimensions().unwrap();
        (width, height, samples)
    }

    #[test]
    fn the_number_and_the_flash_survive_every_quality_and_size() {
        for (width, height) in [(64, 64), (65, 67), (321, 241)] {
            let mut pattern = Pattern::new(width, height, 2, FrameRate::whole(30)).unwrap();
            for (quality, number) in [(20, 31), (50, 1000), (85, 29), (100, u32::MAX)] {
                let mut jpeg = Vec::new();
                encode(&pattern.draw(number), quality, &mut jpeg).unwrap();
                let (got_width, got_height, luma) = decode(&jpeg, ColorSpace::Luma);
                assert_eq!((got_width as u32, got_height as u32), (width, height));
                let picture = Picture::packed(Layout::Mono, width, height, &luma).unwrap();
                assert_eq!(read_number(&picture), Ok(number), "quality {quality}");
                assert_eq!(flash_lit(&picture, number), Ok(number % 30 < 3), "frame {number}");
            }
        }
    }

    /// Four corners, each of its own colour, in the layout asked for, with padded rows.
    fn corners(layout: Layout) -> Vec<u8> {
        let (width, height) = (31, 33);
        let mut planes: [Vec<u8>; 3] = Default::default();
        for (index, plane) in planes.iter_mut().enumerate() {
            let (columns, rows) = layout.plane_size(index, width, height);
            for (y, x) in (0..rows).flat_map(|y| (0..columns + 3).map(move |x| (y, x))) {
                let corner = 2 * usize::from(2 * y > rows) + usize::from(2 * x > columns);
                plane.push([[40, 60, 80], [90, 200, 100], [200, 70, 170], [150, 120, 30]][corner][index]);
            }
        }
        let views: Vec<Plane<'_>> = (0..layout.plane_count())
            .map(|index| Plane {
                data: &planes[index],
                stride: layout.plane_size(index, width, height).0 + 3,
            })
            .collect();
        let picture = Picture::new(layout, width, height, &views).unwrap().with_range(Range::Full);
        let mut jpeg = Vec::new();
        encode(&picture, 95, &mut jpeg).unwrap();
        jpeg
    }

    #[test]
    fn colours_stay_where_they_were_in_every_layout() {
        for layout in [Layout::I420, Layout::I422, Layout::I444] {
            let (width, height, samples) = decode(&corners(layout), ColorSpace::YCbCr);
            assert_eq!((width, height), (31, 33));
            let at = |x: usize, y: usize| &samples[(y * width + x) * 3..][..3];
            let near = |found: &[u8], expected: [u8; 3]| {
                found.iter().zip(expected).all(|(&found, expected)| found.abs_diff(expected) <= 6)
            };
            assert!(near(at(4, 4), [40, 60, 80]), "{layout:?} {:?}", at(4, 4));
            assert!(near(at(28, 4), [90, 200, 100]), "{layout:?} {:?}", at(28, 4));
            assert!(near(at(4, 30), [200, 70, 170]), "{layout:?} {:?}", at(4, 30));
            assert!(near(at(28, 30), [150, 120, 30]), "{layout:?} {:?}", at(28, 30));
        }
        let (width, _, luma) = decode(&corners(Layout::Mono), ColorSpace::Luma);
        assert!(luma[4 * width + 4].abs_diff(40) <= 6 && luma[30 * width + 28].abs_diff(150) <= 6);
    }

    #[test]
    fn limited_range_is_stretched() {
        assert_eq!([0, 16, 126, 235, 255].map(stretch_luma), [0, 0, 128, 255, 255]);
        assert_eq!([16, 72, 128, 184, 240].map(stretch_chroma), [1, 64, 128, 192, 255]);
    }
}
