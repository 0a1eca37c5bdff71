//! YUV4MPEG2 (`.y4m`): uncompressed video as a stream, the format of `ffmpeg -f yuv4mpegpipe`.
//!
//! Reads and writes 8-bit 4:2:0, 4:2:2, 4:4:4 and mono. Interlacing, aspect ratio and chroma siting are read over:
//! they change how a picture is shown, not what it holds. Both directions stream, so pipes will do.

use std::fmt;
use std::io::{self, BufRead, Read, Write};

use super::picture::PictureError;
use super::{FrameRate, Layout, Picture, Range};

/// The longest header line accepted; real ones have under 200 bytes.
const MAX_LINE: u64 = 4096;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Planes and subsampling.
    pub layout: Layout,
    /// Frames per second; 25 where the header has none.
    pub rate: FrameRate,
    /// How code values map to brightness.
    pub range: Range,
}

/// Reads pictures one by one.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    format: Format,
    frame: Vec<u8>,
    frames: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    pub fn new(mut input: R) -> Result<Self, Y4mError> {
        let line = read_line(&mut input)?.ok_or(Y4mError::NotY4m)?;
        let format = parse_header(&line)?;
        let Format { width, height, .. } = format;
        let len = format.layout.packed_len(width, height).ok_or(PictureError::Size { width, height });
        Ok(Self { input, format, frame: vec![0; len.map_err(Y4mError::Picture)?], frames: 0 })
    }

    /// What the header says.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The next picture, or `None` at the end of the file.
    pub fn read(&mut self) -> Result<Option<Picture<'_>>, Y4mError> {
        let Some(line) = read_line(&mut self.input)? else { return Ok(None) };
        if line != b"FRAME" && !line.starts_with(b"FRAME ") {
            return Err(Y4mError::NoFrame { frame: self.frames });
        }
        match self.input.read_exact(&mut self.frame) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(Y4mError::Truncated { frame: self.frames });
            }
            other => other.map_err(Y4mError::Io)?,
        }
        self.frames += 1;
        let Format { layout, width, height, range, .. } = self.format;
        let picture = Picture::packed(layout, width, height, &self.frame).map_err(Y4mError::Picture)?;
        Ok(Some(picture.with_range(range)))
    }
}

/// Writes pictures one by one; gives a buffered output the fewest and largest writes.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    format: Format,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    pub fn new(mut output: W, format: Format) -> Result<Self, Y4mError> {
        let Format { width, height, layout, rate, range } = format;
        layout.packed_len(width, height).ok_or(Y4mError::Picture(PictureError::Size { width, height }))?;
        let colour = match layout {
            Layout::I420 => "420jpeg",
            Layout::I422 => "422",
            Layout::I444 => "444",
            Layout::Mono => "mono",
        };
        let range = match range {
            Range::Limited => "LIMITED",
            Range::Full => "FULL",
        };
        let (numerator, denominator) = (rate.numerator(), rate.denominator());
        writeln!(
            output,
            "YUV4MPEG2 W{width} H{height} F{numerator}:{denominator} Ip A1:1 C{colour} XCOLORRANGE={range}"
        )
        .map_err(Y4mError::Io)?;
        Ok(Self { output, format })
    }

    /// Writes one picture, which must have the size and the layout of the header.
    pub fn write(&mut self, picture: &Picture<'_>) -> Result<(), Y4mError> {
        let found = (picture.layout(), picture.width(), picture.height());
        let expected = (self.format.layout, self.format.width, self.format.height);
        if found != expected {
            return Err(Y4mError::Changed { expected, found });
        }
        self.write_planes(picture).map_err(Y4mError::Io)
    }

    fn write_planes(&mut self, picture: &Picture<'_>) -> io::Result<()> {
        self.output.write_all(b"FRAME\n")?;
        for plane in 0..picture.layout().plane_count() {
            if let Some(whole) = picture.contiguous_plane(plane) {
                self.output.write_all(whole)?;
                continue;
            }
            for y in 0..picture.plane_size(plane).1 {
                self.output.write_all(picture.row(plane, y))?;
            }
        }
        Ok(())
    }

    /// Flushes and hands the output back. A file that was not finished is complete up to its last whole frame.
    pub fn finish(mut self) -> Result<W, Y4mError> {
        self.output.flush().map_err(Y4mError::Io)?;
        Ok(self.output)
    }
}

/// A line without its newline; `None` at the end of the input.
fn read_line(input: &mut impl BufRead) -> Result<Option<Vec<u8>>, Y4mError> {
    let mut line = Vec::new();
    input.take(MAX_LINE).read_until(b'\n', &mut line).map_err(Y4mError::Io)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(Y4mError::NotY4m);
    }
    Ok(Some(line))
}

fn parse_header(line: &[u8]) -> Result<Format, Y4mError> {
    let line = std::str::from_utf8(line).map_err(|_| Y4mError::NotY4m)?;
    let mut words = line.split_ascii_whitespace();
    if words.next() != Some("YUV4MPEG2") {
        return Err(Y4mError::NotY4m);
    }
    let (mut width, mut height) = (None, None);
    let mut format = Format {
        width: 0,
        height: 0,
        layout: Layout::I420,
        rate: FrameRate::whole(25),
        range: Range::Limited,
    };
    for word in words {
        let bad = || Y4mError::Parameter { word: word.to_owned() };
        let (tag, value) = word.split_at_checked(1).ok_or_else(bad)?;
        match tag {
            "W" => width = Some(value.parse().map_err(|_| bad())?),
            "H" => height = Some(value.parse().map_err(|_| bad())?),
            "F" => format.rate = parse_rate(value).ok_or_else(bad)?,
            "C" => format.layout = parse_layout(value).ok_or_else(bad)?,
            _ if word == "XCOLORRANGE=FULL" => format.range = Range::Full,
            _ => {}
        }
    }
    format.width = width.ok_or(Y4mError::NoSize)?;
    format.height = height.ok_or(Y4mError::NoSize)?;
    Ok(format)
}

fn parse_rate(value: &str) -> Option<FrameRate> {
    let (numerator, denominator) = value.split_once(':')?;
    match (numerator.parse().ok()?, denominator.parse().ok()?) {
        // The format's way to say "unknown".
        (0, 0) => Some(FrameRate::whole(25)),
        (numerator, denominator) => FrameRate::new(numerator, denominator),
    }
}

fn parse_layout(value: &str) -> Option<Layout> {
    match value {
        "420" | "420jpeg" | "420mpeg2" | "420paldv" => Some(Layout::I420),
        "422" => Some(Layout::I422),
        "444" => Some(Layout::I444),
        "mono" => Some(Layout::Mono),
        _ => None,
    }
}

/// Why a y4m stream cannot be read or written.
#[derive(Debug)]
pub enum Y4mError {
    /// The input does not start with a `YUV4MPEG2` line.
    NotY4m,
    /// The header has no width or no height.
    NoSize,
    /// A header parameter that cannot be read, or a pixel format that is not supported.
    Parameter {
        /// As it stands in the header.
        word: String,
    },
    /// Something else stands where a frame should start.
    NoFrame {
        /// The number of the frame, from 0.
        frame: u64,
    },
    /// The input ends within a frame.
    Truncated {
        /// The number of the frame, from 0.
        frame: u64,
    },
    /// The picture to write does not fit the header.
    Changed {
        /// Layout, width and height of the header.
        expected: (Layout, u32, u32),
        /// Those of the picture.
        found: (Layout, u32, u32),
    },
    /// The size of the header is no size for a picture.
    Picture(PictureError),
    /// Reading or writing failed.
    Io(io::Error),
}

impl fmt::Display for Y4mError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotY4m => write!(f, "not a y4m stream: it does not start with a YUV4MPEG2 line"),
            Self::NoSize => write!(f, "the y4m header lacks W (width) or H (height)"),
            Self::Parameter { word } => write!(
                f,
                "cannot use {word:?} of the y4m header; 8-bit 420, 422, 444 and mono work: convert with \
                 ffmpeg -pix_fmt yuv420p"
            ),
            Self::NoFrame { frame } => write!(f, "no FRAME line where frame {frame} of the y4m stream starts"),
            Self::Truncated { frame } => write!(f, "the y4m stream ends within frame {frame}"),
            Self::Changed { expected: (layout, width, height), found } => write!(
                f,
                "a {}x{} {:?} picture for a y4m stream of {width}x{height} {layout:?}; a y4m stream keeps one size",
                found.1, found.2, found.0
            ),
            Self::Picture(error) => write!(f, "the y4m header does not describe a picture: {error}"),
            Self::Io(error) => write!(f, "y4m: {error}"),
        }
    }
}

impl std::error::Error for Y4mError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Picture(error) => Some(error),
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Plane;

    fn open(bytes: &[u8]) -> Result<Reader<&[u8]>, Y4mError> {
        Reader::new(bytes)
    }

    #[test]
    fn every_layout_round_trips() {
        for layout in [Layout::I420, Layout::I422, Layout::I444, Layout::Mono] {
            let rate = FrameRate::new(30_000, 1001).unwrap();
            let format = Format { width: 5, height: 3, layout, rate, range: Range::Full };
            let frames: Vec<Vec<u8>> = (0..3u8)
                .map(|frame| {
                    (0..layout.packed_len(5, 3).unwrap())
                        .map(|at| (at as u8).wrapping_mul(7) ^ frame)
                        .collect()
                })
                .collect();
            let mut writer = Writer::new(Vec::new(), format).unwrap();
            for frame in &frames {
                writer.write(&Picture::packed(layout, 5, 3, frame).unwrap()).unwrap();
            }
            let file = writer.finish().unwrap();
            let mut reader = open(&file).unwrap();
            assert_eq!(reader.format(), format);
            for frame in &frames {
                let picture = reader.read().unwrap().unwrap();
                assert_eq!(picture.range(), Range::Full);
                let planes = 0..layout.plane_count();
                let read: Vec<u8> =
                    planes.flat_map(|plane| picture.contiguous_plane(plane).unwrap().to_vec()).collect();
                assert_eq!(&read, frame);
            }
            assert!(reader.read().unwrap().is_none());
        }
    }

    #[test]
    fn padding_is_not_written() {
        let rate = FrameRate::whole(30);
        let format = Format { width: 2, height: 2, layout: Layout::Mono, rate, range: Range::Limited };
        let mut writer = Writer::new(Vec::new(), format).unwrap();
        let plane = Plane { data: &[1, 2, 9, 9, 3, 4], stride: 4 };
        writer.write(&Picture::new(Layout::Mono, 2, 2, &[plane]).unwrap()).unwrap();
        assert!(writer.finish().unwrap().ends_with(b"FRAME\n\x01\x02\x03\x04"));
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        let rate = FrameRate::whole(30);
        let format = Format { width: 2, height: 2, layout: Layout::Mono, rate, range: Range::Limited };
        let mut writer = Writer::new(Vec::new(), format).unwrap();
        let other = Picture::packed(Layout::Mono, 2, 1, &[1, 2]).unwrap();
        assert!(matches!(writer.write(&other), Err(Y4mError::Changed { .. })));
    }

    #[test]
    fn headers_as_other_programs_write_them() {
        let reader = open(b"YUV4MPEG2 W640 H360 F24000:1001 It A0:0 C420mpeg2 XYSCSS=420MPEG2\n").unwrap();
        let rate = FrameRate::new(24_000, 1001).unwrap();
        let (layout, range) = (Layout::I420, Range::Limited);
        assert_eq!(reader.format(), Format { width: 640, height: 360, layout, rate, range });
        let reader = open(b"YUV4MPEG2 H2 W2 F0:0\n").unwrap();
        assert_eq!((reader.format().layout, reader.format().rate), (Layout::I420, FrameRate::whole(25)));
        let mut reader = open(b"YUV4MPEG2 W1 H1 Cmono\nFRAME Ip XANY\n\x07FRAME\n\x08").unwrap();
        assert_eq!(reader.read().unwrap().unwrap().row(0, 0), [7]);
        assert_eq!(reader.read().unwrap().unwrap().row(0, 0), [8]);
    }

    #[test]
    fn bad_headers_are_refused_by_name() {
        let error = |header: &[u8]| open(header).unwrap_err();
        assert!(matches!(error(b""), Y4mError::NotY4m));
        assert!(matches!(error(b"RIFF"), Y4mError::NotY4m));
        assert!(matches!(error(b"YUV4MPEG2 W2 H2"), Y4mError::NotY4m));
        assert!(matches!(error(b"YUV4MPEG W2 H2\n"), Y4mError::NotY4m));
        assert!(matches!(error(b"YUV4MPEG2 \xff\n"), Y4mError::NotY4m));
        assert!(matches!(error(&[b'Y'; 10_000]), Y4mError::NotY4m));
        assert!(matches!(error(b"YUV4MPEG2 W2\n"), Y4mError::NoSize));
        let bad = |word: &str| {
            let header = format!("YUV4MPEG2 W2 H2 {word}\n");
            matches!(error(header.as_bytes()), Y4mError::Parameter { word: found } if found == word)
        };
        for word in ["C420p10", "C411", "F30", "F30:0", "F0:1", "W-1", "Wx", "H99999999999", "\u{e9}x"] {
            assert!(bad(word), "{word}");
        }
        let picture = |error| matches!(error, Y4mError::Picture(PictureError::Size { .. }));
        assert!(picture(error(b"YUV4MPEG2 W0 H2\n")));
        assert!(picture(error(b"YUV4MPEG2 W4294967295 H4294967295\n")));
    }

    #[test]
    fn a_line_without_end_is_not_read_to_its_end() {
        let mut endless = io::repeat(b'Y').take(1 << 20);
        let error = Reader::new(io::BufReader::new(&mut endless)).unwrap_err();
        assert!(matches!(error, Y4mError::NotY4m));
        assert!(endless.limit() > 1 << 19, "{} bytes left", endless.limit());
    }

    #[test]
    fn a_truncated_or_garbled_frame_is_an_error_with_its_number() {
        let mut reader = open(b"YUV4MPEG2 W2 H2 Cmono\nFRAME\n1234FRAME\n12").unwrap();
        assert!(reader.read().unwrap().is_some());
        assert!(matches!(reader.read(), Err(Y4mError::Truncated { frame: 1 })));
        let mut reader = open(b"YUV4MPEG2 W2 H2 Cmono\nFRAMES\n1234").unwrap();
        assert!(matches!(reader.read(), Err(Y4mError::NoFrame { frame: 0 })));
    }
}
