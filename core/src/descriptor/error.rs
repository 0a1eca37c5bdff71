//! Why a descriptor is refused. Each variant has one meaning and says what was found.

use core::error::Error;
use core::fmt;

use super::{FourCc, Rect, EXTENSION_BYTES, MAX_SIZE, VERSION};

/// Why a descriptor can't be encoded or decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DescriptorError {
    /// It is of another version of the format.
    Version {
        /// The version it says.
        found: u8,
    },
    /// Its kind is not one of [`Kind`](super::Kind).
    Kind {
        /// The kind it says.
        found: u8,
    },
    /// Its own length is not a multiple of 8 between the fixed part of its kind and that plus all room for extensions.
    Length {
        /// Bytes of the fixed part.
        least: usize,
        /// Bytes with the longest extensions.
        most: usize,
        /// The length it says.
        found: usize,
    },
    /// The payload is longer than what was claimed for it.
    PayloadBeyondRoom {
        /// The length of the payload it says.
        payload_len: u32,
        /// Bytes that were claimed.
        room: u64,
    },
    /// A time stamp is `i64::MIN`, which on the wire means "none".
    ReservedTimestamp {
        /// The name of the field.
        field: &'static str,
    },
    /// A field with a closed set of values holds another one.
    UnknownValue {
        /// The name of the field.
        field: &'static str,
        /// Its value.
        found: u8,
    },
    /// The KEY flag and the body of an encoded frame do not say the same.
    KeyMismatch {
        /// What the body says.
        body: bool,
    },
    /// The format of the payload is wrong, or does not fit the payload.
    Format(FormatError),
    /// An extension is wrong.
    Extension(ExtensionError),
}

/// Why a video or audio format is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatError {
    /// A layout was asked for of a pixel format that has none here.
    UnknownFourCc {
        /// The pixel format.
        found: FourCc,
    },
    /// A width or height is not between 1 and [`MAX_SIZE`].
    Size {
        /// The name of the field.
        field: &'static str,
        /// Its value.
        found: u32,
    },
    /// The visible part is empty or not inside the coded picture.
    VisibleRect {
        /// The visible part.
        found: Rect,
        /// Coded width.
        width: u16,
        /// Coded height.
        height: u16,
    },
    /// The number of planes is not that of the pixel format.
    PlaneCount {
        /// The pixel format.
        fourcc: FourCc,
        /// Its number of planes.
        expected: u8,
        /// The number found.
        found: u8,
    },
    /// A pixel format that is not known here has more than four planes.
    TooManyPlanes {
        /// The number of planes.
        found: u8,
    },
    /// The bit depth is not that of the pixel format.
    BitDepth {
        /// The pixel format.
        fourcc: FourCc,
        /// Its bit depth.
        expected: u8,
        /// The bit depth found.
        found: u8,
    },
    /// A plane that does not exist has an offset or a stride.
    UnusedPlane {
        /// Index of the plane.
        plane: u8,
    },
    /// A stride is smaller than a row.
    Stride {
        /// Index of the plane.
        plane: u8,
        /// Bytes of a row.
        least: u32,
        /// The stride found.
        found: u32,
    },
    /// A plane ends behind the payload.
    PlaneOutside {
        /// Index of the plane.
        plane: u8,
        /// Where it ends.
        end: u64,
        /// Where the payload ends.
        payload_len: u64,
    },
    /// A stride alignment is not a power of two.
    StrideAlign {
        /// The alignment.
        found: u32,
    },
    /// The planes need more bytes than a payload can have.
    TooLarge {
        /// Bytes needed.
        needed: u64,
    },
    /// There is no channel.
    NoChannels,
    /// The sample rate is 0.
    NoRate,
    /// The planes of audio channels overlap, or audio that is not planar has a plane stride.
    PlaneStride {
        /// The smallest good stride.
        least: u64,
        /// The greatest good stride.
        most: u32,
        /// The stride found.
        found: u32,
    },
    /// The samples end behind the payload.
    SamplesOutside {
        /// Bytes they need.
        needed: u64,
        /// Bytes of the payload.
        payload_len: u64,
    },
}

/// Why an extension is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtensionError {
    /// It does not fit behind the ones that are there.
    NoRoom {
        /// Bytes it needs.
        needed: usize,
        /// Bytes left.
        left: usize,
    },
    /// A known type has data of another length.
    Length {
        /// The type.
        ty: u16,
        /// The length of that type.
        expected: usize,
        /// The length found.
        found: usize,
    },
    /// The type must be understood and is not known here.
    NotUnderstood {
        /// The type.
        ty: u16,
    },
    /// An entry is longer than what is left of the descriptor.
    Truncated {
        /// The type.
        ty: u16,
        /// The length of the data it says.
        len: u16,
        /// Bytes left, its header included.
        left: usize,
    },
}

impl From<FormatError> for DescriptorError {
    #[inline]
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

impl From<ExtensionError> for DescriptorError {
    #[inline]
    fn from(error: ExtensionError) -> Self {
        Self::Extension(error)
    }
}

impl Error for DescriptorError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Format(error) => Some(error),
            Self::Extension(error) => Some(error),
            _ => None,
        }
    }
}

impl Error for FormatError {}

impl Error for ExtensionError {}

impl fmt::Display for DescriptorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { found } => {
                write!(f, "descriptor version {found}, expected {VERSION}: producer and consumer differ")
            }
            Self::Kind { found } => write!(f, "frame kind {found}, expected 1 to 6"),
            Self::Length { least, most, found } => {
                write!(f, "descriptor of {found} bytes, expected a multiple of 8 from {least} to {most}")
            }
            Self::PayloadBeyondRoom { payload_len, room } => {
                write!(f, "payload of {payload_len} bytes in a claim of {room}: claim at least the payload")
            }
            Self::ReservedTimestamp { field } => {
                write!(f, "{field} is i64::MIN, which stands for \"none\": leave the time out instead")
            }
            Self::UnknownValue { field, found } => write!(f, "{field} has the unknown value {found}"),
            Self::KeyMismatch { body } => {
                write!(f, "the body says key = {body} and the KEY flag does not: set both alike")
            }
            Self::Format(_) => f.write_str("the format of the payload is wrong"),
            Self::Extension(_) => f.write_str("an extension is wrong"),
        }
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFourCc { found } => {
                write!(f, "the layout of pixel format {found:?} is not known: set the planes yourself")
            }
            Self::Size { field, found } => write!(f, "{field} is {found}, expected 1 to {MAX_SIZE}"),
            Self::VisibleRect { found: Rect { x, y, width: w, height: h }, width, height } => {
                write!(f, "visible part {w}x{h} at {x},{y} is empty or not inside {width}x{height}")
            }
            Self::PlaneCount { fourcc, expected, found } => {
                write!(f, "{found} planes, {fourcc} has {expected} (or none if there is no payload)")
            }
            Self::TooManyPlanes { found } => write!(f, "{found} planes, expected at most 4"),
            Self::BitDepth { fourcc, expected, found } => {
                write!(f, "bit depth {found}, that of {fourcc} is {expected}")
            }
            Self::UnusedPlane { plane } => {
                write!(f, "plane {plane} does not exist, its offset and stride must be 0")
            }
            Self::Stride { plane, least, found } => {
                write!(f, "stride {found} of plane {plane} is smaller than a row of {least} bytes")
            }
            Self::PlaneOutside { plane, end, payload_len } => {
                write!(f, "plane {plane} ends at byte {end} of a payload of {payload_len}")
            }
            Self::StrideAlign { found } => write!(f, "stride alignment {found} is not a power of two"),
            Self::TooLarge { needed } => {
                write!(f, "the planes need {needed} bytes, a payload has at most {}", u32::MAX)
            }
            Self::NoChannels => f.write_str("audio with 0 channels, expected at least 1"),
            Self::NoRate => f.write_str("audio with a sample rate of 0, expected at least 1"),
            Self::PlaneStride { least, most, found } => {
                write!(f, "audio plane stride {found}, expected {least} to {most}")
            }
            Self::SamplesOutside { needed, payload_len } => {
                write!(f, "the samples need {needed} bytes of a payload of {payload_len}")
            }
        }
    }
}

impl fmt::Display for ExtensionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoom { needed, left } => {
                write!(f, "extension needs {needed} bytes, {left} of {EXTENSION_BYTES} are left")
            }
            Self::Length { ty, expected, found } => {
                write!(f, "extension {ty:#06x} has {found} bytes of data, expected {expected}")
            }
            Self::NotUnderstood { ty } => {
                write!(f, "extension {ty:#06x} must be understood and is not known to this version")
            }
            Self::Truncated { ty, len, left } => {
                write!(f, "extension {ty:#06x} with {len} bytes of data, {left} bytes are left for all of it")
            }
        }
    }
}
