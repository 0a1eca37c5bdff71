//! Frames that the pages make by rules that the tests know.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use frame_ring::{Descriptor, FourCc, Frame, VideoFormat, VideoView};
use frame_ring_pipeline::media::pattern::Pattern;
use frame_ring_pipeline::media::y4m::{Format, Writer};
use frame_ring_pipeline::media::{FrameRate, Layout, Range};

/// For the pages.
pub const SCRIPT: &str = include_str!("media.js");

/// Bytes that tell places and numbers apart; the page makes the same.
pub fn pattern(length: usize, seed: u64) -> Vec<u8> {
    (0..length).map(|i| (i * 31 + (i >> 8) * 7 + seed as usize * 17) as u8).collect()
}

/// Picture `number` of the pattern: all planes, without padding.
pub fn picture(fourcc: FourCc, width: u32, height: u32, number: u64) -> Vec<u8> {
    pattern(VideoFormat::packed(fourcc, width, height).unwrap().payload_len() as usize, number)
}

/// Whether a byte of a row means something: the fourth of a pixel without alpha does not.
fn is_content(fourcc: FourCc, column: usize) -> bool {
    !matches!(fourcc, FourCc::RGBX | FourCc::BGRX) || column % 4 != 3
}

/// Compares all rows of all planes with those of a picture without padding.
#[track_caller]
pub fn assert_rows(view: &VideoView<'_>, packed: &[u8], what: &str) {
    let about = view.format();
    let same = VideoFormat::packed(about.fourcc, about.coded_width, about.coded_height).unwrap();
    assert_eq!((same.payload_len(), same.plane_count), (packed.len() as u64, about.plane_count), "{what}");
    let mut rest = packed;
    for index in 0..usize::from(same.plane_count) {
        let columns = same.plane_row_bytes(index) as usize;
        let plane = view.plane(index).unwrap();
        assert_eq!((plane.row_bytes(), plane.rows()), (columns, same.plane_rows(index) as usize), "{what}");
        for row in 0..plane.rows() {
            let (expected, others) = rest.split_at(columns);
            let found = plane.row(row).unwrap().to_vec();
            let mut pairs = found.iter().zip(expected).enumerate();
            let wrong = pairs
                .find(|(column, (found, expected))| is_content(about.fourcc, *column) && found != expected);
            assert_eq!(wrong, None, "{what}, plane {index}, row {row}");
            rest = others;
        }
    }
}

/// All samples of one channel of a block.
pub fn samples(frame: &Frame, channel: usize) -> Vec<f32> {
    let bytes = frame.audio().expect("sound").plane(channel).expect("a channel").to_vec();
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

/// Sample `i` of a channel of the page's sound.
pub fn sample(i: usize, channel: usize) -> f32 {
    ((i * 7 + channel * 300) % 1024) as f32 / 1024.0 - 0.5
}

/// Writes a file for a fake camera: each number once, burnt into 30 pictures a second.
pub fn write_numbers(path: &Path, (width, height): (u32, u32), numbers: u32) {
    let rate = FrameRate::whole(30);
    let format = Format { width, height, layout: Layout::I420, rate, range: Range::Limited };
    let mut writer = Writer::new(BufWriter::new(File::create(path).unwrap()), format).unwrap();
    let mut pattern = Pattern::new(width, height, 0, rate).unwrap();
    (0..numbers).for_each(|number| writer.write(&pattern.draw(number)).unwrap());
    writer.finish().unwrap();
}

/// When the frames of one track were.
#[derive(Debug, Default)]
pub struct Series {
    pub mono_ns: Vec<u64>,
    pub pts_ns: Vec<i64>,
    /// From `mono_ns` to the reception, ns.
    pub delays: Vec<i64>,
}

impl Series {
    /// Takes the next frame; its times must follow those of the one before.
    pub fn add(&mut self, about: &Descriptor) {
        let mono = about.mono_ns;
        assert!(
            self.mono_ns.last().is_none_or(|last| mono >= *last),
            "{mono} after {:?}",
            self.mono_ns.last()
        );
        if let Some(pts) = about.pts_ns {
            assert!(
                self.pts_ns.last().is_none_or(|last| pts > *last),
                "{pts} after {:?}",
                self.pts_ns.last()
            );
            self.pts_ns.push(pts);
        }
        self.delays.push(frame_ring::mono_ns() as i64 - mono as i64);
        self.mono_ns.push(mono);
    }

    pub fn frames(&self) -> usize {
        self.mono_ns.len()
    }

    /// How far `mono_ns` strays from the media's own time, ms.
    pub fn spread_ms(&self) -> f64 {
        let offsets = self.mono_ns.iter().zip(&self.pts_ns).map(|(mono, pts)| *mono as i64 - pts);
        let (least, most) = (offsets.clone().min().unwrap(), offsets.max().unwrap());
        (most - least) as f64 / 1e6
    }

    /// From one frame to the next by `mono_ns`, ns.
    pub fn steps(&self) -> Vec<i64> {
        self.mono_ns.windows(2).map(|pair| pair[1] as i64 - pair[0] as i64).collect()
    }
}

/// The one in the middle, ns in ms.
pub fn median_ms(values: &[i64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2] as f64 / 1e6
}
