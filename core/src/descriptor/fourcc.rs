//! Pixel formats and codecs by their four-character code, and how the bytes of the known pixel formats lie.
//!
//! Pixel formats have the codes of Linux' `drm_fourcc.h`. DRM names packed formats by the bits of a little-endian word, so
//! its `AB24` ("ABGR8888") is R, G, B, A in memory; the constants here are named by the order in memory.

use core::fmt;

/// A four-character code: the first character is the lowest byte.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FourCc(pub u32);

impl FourCc {
    /// Planes Y, Cb, Cr, 8 bits; chroma halved both ways.
    pub const I420: Self = Self::new(*b"YU12");
    /// [`I420`](Self::I420) with a fourth, full-size alpha plane. DRM has no code for it; this is the one of GStreamer.
    pub const I420A: Self = Self::new(*b"A420");
    /// Planes Y, Cb, Cr, 8 bits; chroma halved horizontally.
    pub const I422: Self = Self::new(*b"YU16");
    /// Planes Y, Cb, Cr, 8 bits; chroma at full size.
    pub const I444: Self = Self::new(*b"YU24");
    /// Planes Y and interleaved CbCr, 8 bits; chroma halved both ways.
    pub const NV12: Self = Self::new(*b"NV12");
    /// Like [`NV12`](Self::NV12) with 10 bits in the HIGH bits of 16-bit little-endian samples.
    pub const P010: Self = Self::new(*b"P010");
    /// Like [`I420`](Self::I420) with 10 bits in the LOW bits of 16-bit little-endian samples, the others zero: what
    /// software decoders call I010 or yuv420p10le, and DRM S010.
    pub const I010: Self = Self::new(*b"S010");
    /// Like [`I422`](Self::I422), samples as in [`I010`](Self::I010); DRM S210.
    pub const I210: Self = Self::new(*b"S210");
    /// Like [`I444`](Self::I444), samples as in [`I010`](Self::I010); DRM S410.
    pub const I410: Self = Self::new(*b"S410");
    /// Bytes R, G, B, A.
    pub const RGBA: Self = Self::new(*b"AB24");
    /// Bytes B, G, R, A.
    pub const BGRA: Self = Self::new(*b"AR24");
    /// Bytes R, G, B and one without meaning.
    pub const RGBX: Self = Self::new(*b"XB24");
    /// Bytes B, G, R and one without meaning.
    pub const BGRX: Self = Self::new(*b"XR24");
    /// One plane of 8-bit grey (or red, as DRM sees it).
    pub const GREY: Self = Self::new(*b"R8  ");

    /// H.264 in MP4 form (length-prefixed).
    pub const AVC1: Self = Self::new(*b"avc1");
    /// H.265 in MP4 form (length-prefixed).
    pub const HVC1: Self = Self::new(*b"hvc1");
    /// VP8.
    pub const VP08: Self = Self::new(*b"vp08");
    /// VP9.
    pub const VP09: Self = Self::new(*b"vp09");
    /// AV1.
    pub const AV01: Self = Self::new(*b"av01");
    /// Opus.
    pub const OPUS: Self = Self::new(*b"Opus");
    /// AAC.
    pub const MP4A: Self = Self::new(*b"mp4a");

    /// The code of four characters.
    pub const fn new(characters: [u8; 4]) -> Self {
        Self(u32::from_le_bytes(characters))
    }

    /// How the pixels of this format lie in memory; `None` for codes this version does not know.
    #[inline]
    pub const fn layout(self) -> Option<&'static Layout> {
        const fn plane(shift_x: u8, shift_y: u8, sample_bytes: u8) -> PlaneLayout {
            PlaneLayout { shift_x, shift_y, sample_bytes }
        }
        const fn layout(planes: &'static [PlaneLayout], bit_depth: u8) -> Layout {
            Layout { planes, bit_depth }
        }
        const I420: Layout = layout(&[plane(0, 0, 1), plane(1, 1, 1), plane(1, 1, 1)], 8);
        const I420A: Layout = layout(&[plane(0, 0, 1), plane(1, 1, 1), plane(1, 1, 1), plane(0, 0, 1)], 8);
        const I422: Layout = layout(&[plane(0, 0, 1), plane(1, 0, 1), plane(1, 0, 1)], 8);
        const I444: Layout = layout(&[plane(0, 0, 1), plane(0, 0, 1), plane(0, 0, 1)], 8);
        const NV12: Layout = layout(&[plane(0, 0, 1), plane(1, 1, 2)], 8);
        const P010: Layout = layout(&[plane(0, 0, 2), plane(1, 1, 4)], 10);
        const I010: Layout = layout(&[plane(0, 0, 2), plane(1, 1, 2), plane(1, 1, 2)], 10);
        const I210: Layout = layout(&[plane(0, 0, 2), plane(1, 0, 2), plane(1, 0, 2)], 10);
        const I410: Layout = layout(&[plane(0, 0, 2), plane(0, 0, 2), plane(0, 0, 2)], 10);
        const FOUR_BYTES: Layout = layout(&[plane(0, 0, 4)], 8);
        const GREY: Layout = layout(&[plane(0, 0, 1)], 8);

        Some(match self {
            Self::I420 => &I420,
            Self::I420A => &I420A,
            Self::I422 => &I422,
            Self::I444 => &I444,
            Self::NV12 => &NV12,
            Self::P010 => &P010,
            Self::I010 => &I010,
            Self::I210 => &I210,
            Self::I410 => &I410,
            Self::RGBA | Self::BGRA | Self::RGBX | Self::BGRX => &FOUR_BYTES,
            Self::GREY => &GREY,
            _ => return None,
        })
    }
}

/// The four characters; a byte that is not printable ASCII is shown as `?`.
impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        let shown = self.0.to_le_bytes().map(|byte| if printable(byte) { byte } else { b'?' });
        f.write_str(core::str::from_utf8(&shown).unwrap_or("????"))
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FourCc({self}, {:#010x})", self.0)
    }
}

/// How the pixels of a format lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The planes, one to four of them, in the order in which a frame lists them.
    pub planes: &'static [PlaneLayout],
    /// Bits of one component that carry meaning.
    pub bit_depth: u8,
}

/// How one plane follows from the size of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneLayout {
    /// The plane is `2^shift_x` times narrower than the picture, odd sizes rounded up.
    pub shift_x: u8,
    /// The plane is `2^shift_y` times lower than the picture, odd sizes rounded up.
    pub shift_y: u8,
    /// Bytes of one position of the plane: all its components together, so 2 for the CbCr plane of NV12.
    pub sample_bytes: u8,
}

impl PlaneLayout {
    /// Bytes of one row that carry pixels, without padding.
    #[inline]
    pub const fn row_bytes(self, width: u32) -> u32 {
        width.div_ceil(1 << self.shift_x).saturating_mul(self.sample_bytes as u32)
    }

    /// Number of rows.
    #[inline]
    pub const fn rows(self, height: u32) -> u32 {
        height.div_ceil(1 << self.shift_y)
    }
}
