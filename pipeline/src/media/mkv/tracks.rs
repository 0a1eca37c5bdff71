//! What is recorded, and how Matroska describes it.

use super::super::ebml::{binary, float, master, string, uint};
use super::super::samples::SampleFormat;
use super::super::FrameRate;
use super::id;

/// One track of a file, in the order in which [`MkvWriter`](super::MkvWriter) numbers them from 0.
#[derive(Debug, Clone, PartialEq)]
pub enum TrackSpec {
    /// Motion JPEG.
    Video {
        /// Shown by players, may be empty.
        name: String,
        /// Width in pixels, 1 to 16,384.
        width: u32,
        /// Height in pixels, 1 to 16,384.
        height: u32,
        /// The nominal rate, if there is one. Each picture has its own time in any case.
        rate: Option<FrameRate>,
        /// JPEG quality, 1 to 100; 85 is good.
        quality: u8,
    },
    /// PCM.
    Audio {
        /// Shown by players, may be empty.
        name: String,
        /// Interleaved channels.
        channels: u16,
        /// Samples per second and channel.
        rate: u32,
        /// How samples are stored.
        samples: SampleFormat,
    },
}

impl TrackSpec {
    /// Whether a file can have such a track.
    pub(super) fn is_possible(&self) -> bool {
        match *self {
            Self::Video { width, height, .. } => {
                super::super::Layout::I420.packed_len(width, height).is_some()
            }
            Self::Audio { channels, rate, .. } => channels > 0 && rate > 0,
        }
    }

    /// How long `bytes` of this track last, in nanoseconds; 0 if that is not known.
    pub(super) fn duration_ns(&self, bytes: usize) -> u64 {
        match *self {
            Self::Video { rate, .. } => rate.map_or(0, FrameRate::frame_ns),
            Self::Audio { channels, rate, samples, .. } => {
                let sets = bytes / (samples.bytes() * usize::from(channels));
                let ns = sets as u128 * u128::from(super::super::rate::SECOND_NS) / u128::from(rate);
                u64::try_from(ns).unwrap_or(u64::MAX)
            }
        }
    }

    /// Appends the TrackEntry; `number` counts from 1.
    pub(super) fn write(&self, number: u64, out: &mut Vec<u8>) {
        master(out, id::TRACK_ENTRY, |out| {
            uint(out, id::TRACK_NUMBER, number);
            uint(out, id::TRACK_UID, number);
            uint(out, id::FLAG_LACING, 0);
            string(out, id::LANGUAGE, "und");
            let (Self::Video { name, .. } | Self::Audio { name, .. }) = self;
            if !name.is_empty() {
                string(out, id::NAME, name);
            }
            match self {
                Self::Video { width, height, rate, .. } => write_video(*width, *height, *rate, out),
                Self::Audio { channels, rate, samples, .. } => write_audio(*channels, *rate, *samples, out),
            }
        });
    }
}

fn write_video(width: u32, height: u32, rate: Option<FrameRate>, out: &mut Vec<u8>) {
    uint(out, id::TRACK_TYPE, 1);
    if let Some(rate) = rate {
        uint(out, id::DEFAULT_DURATION, rate.frame_ns());
    }
    string(out, id::CODEC_ID, "V_MJPEG");
    master(out, id::VIDEO, |out| {
        uint(out, id::FLAG_INTERLACED, 2);
        uint(out, id::PIXEL_WIDTH, u64::from(width));
        uint(out, id::PIXEL_HEIGHT, u64::from(height));
        // Full range, as in every JPEG.
        master(out, id::COLOUR, |out| uint(out, id::RANGE, 2));
    });
}

fn write_audio(channels: u16, rate: u32, samples: SampleFormat, out: &mut Vec<u8>) {
    uint(out, id::TRACK_TYPE, 2);
    let codec = match samples {
        SampleFormat::F32 => "A_PCM/FLOAT/IEEE",
        SampleFormat::S16 => "A_PCM/INT/LIT",
    };
    binary(out, id::CODEC_ID, codec.as_bytes());
    master(out, id::AUDIO, |out| {
        float(out, id::SAMPLING_FREQUENCY, f64::from(rate));
        uint(out, id::CHANNELS, u64::from(channels));
        uint(out, id::BIT_DEPTH, samples.bytes() as u64 * 8);
    });
}
