//! The flags of a frame.

use core::fmt;
use core::ops::{BitOr, BitOrAssign};

/// What is special about a frame: a set of bits. Bits this version has no name for are kept as they are, so that a
/// newer producer may use them and a recorder copies them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u32);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// The time line or the content does not continue the previous frame of this track: first frame, seek, unmute, loss.
    pub const DISCONT: Self = Self(1);
    /// Nothing was captured: silence or black stands in, or the frame has no payload at all.
    pub const GAP: Self = Self(1 << 1);
    /// The producer knows that the content is damaged.
    pub const CORRUPT: Self = Self(1 << 2);
    /// The last frame of this track. It may be without a payload.
    pub const EOS: Self = Self(1 << 3);
    /// The format differs from that of the previous frame of this track.
    pub const FORMAT_CHANGED: Self = Self(1 << 4);
    /// The frame decodes alone. For encoded frames the same as [`EncodedFormat::key`](super::EncodedFormat::key), and
    /// must agree with it; without meaning for raw ones.
    pub const KEY: Self = Self(1 << 5);
    /// The content is that of the previous frame of this track.
    pub const REPEAT: Self = Self(1 << 6);
    /// The time stamps were taken at publication, the time of the capture was not known.
    pub const ESTIMATED_TS: Self = Self(1 << 7);

    const NAMES: [(Self, &'static str); 8] = [
        (Self::DISCONT, "DISCONT"),
        (Self::GAP, "GAP"),
        (Self::CORRUPT, "CORRUPT"),
        (Self::EOS, "EOS"),
        (Self::FORMAT_CHANGED, "FORMAT_CHANGED"),
        (Self::KEY, "KEY"),
        (Self::REPEAT, "REPEAT"),
        (Self::ESTIMATED_TS, "ESTIMATED_TS"),
    ];

    /// Whether every bit of `other` is set.
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits of both.
    #[inline]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.union(other);
    }
}

/// The names of the bits joined by `|`, unnamed ones as one hexadecimal number, `-` for none.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut unnamed = self.0;
        let mut separator = "";
        for (flag, name) in Self::NAMES {
            if self.contains(flag) {
                write!(f, "{separator}{name}")?;
                separator = "|";
                unnamed &= !flag.0;
            }
        }
        match (unnamed, separator) {
            (0, "") => f.write_str("-"),
            (0, _) => Ok(()),
            _ => write!(f, "{separator}{unnamed:#x}"),
        }
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({self})")
    }
}
