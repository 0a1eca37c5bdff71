//! Extensions: what some frames have to say beyond the fixed fields, as a chain of {type, length, data}.
//!
//! Each entry has a 16-bit type, the 16-bit length of its data, the data, and zeros up to the next multiple of 8 bytes.
//! Bit 15 of a type says that a reader which does not know the type must refuse the frame; without it the reader skips
//! the entry. Types from `0x4000` on belong to applications.

use core::fmt;

use super::ExtensionError;

/// Bytes that the extensions of one frame may fill, whatever the kind of the frame.
pub const EXTENSION_BYTES: usize = 64;

/// The bit of a type that makes a reader refuse the frame if it does not know the type.
pub const MUST_UNDERSTAND: u16 = 1 << 15;

/// RTP time stamp of the frame, `u32`.
pub const RTP_TIMESTAMP: u16 = 1;
/// Start of the capture in nanoseconds of `CLOCK_MONOTONIC`, `u64`.
pub const CAPTURE_BEGIN_NS: u16 = 2;
/// CRC-32C (Castagnoli) of the payload, `u32`.
pub const CRC32C: u16 = 3;
/// Arrival of the frame's last packet in nanoseconds of `CLOCK_MONOTONIC`, `u64`.
pub const RECEIVE_NS: u16 = 4;

const HEADER: usize = 4;

/// The extensions of one frame, kept inline.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Extensions {
    /// The entries as they are on the wire; zero from `len` on.
    bytes: [u8; EXTENSION_BYTES],
    /// Bytes used, a multiple of 8.
    len: u8,
}

impl Extensions {
    /// No extension.
    #[inline]
    pub const fn new() -> Self {
        Self { bytes: [0; EXTENSION_BYTES], len: 0 }
    }

    /// Whether there is none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes they fill in the descriptor, a multiple of 8.
    #[inline]
    pub const fn encoded_len(&self) -> usize {
        self.len as usize
    }

    /// The entries as they are on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.encoded_len()]
    }

    /// The entries in these bytes, which are as on the wire: whole words.
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ExtensionError> {
        if bytes.is_empty() {
            return Ok(Self::new());
        }
        let mut words = [0; EXTENSION_BYTES / 8];
        let left = EXTENSION_BYTES;
        if bytes.len() > left || bytes.len() % 8 != 0 {
            return Err(ExtensionError::NoRoom { needed: bytes.len(), left });
        }
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        Self::read(&words[..bytes.len() / 8])
    }

    /// Adds an extension after the others.
    pub fn push(&mut self, ty: u16, data: &[u8]) -> Result<(), ExtensionError> {
        check_type(ty, data.len())?;
        let at = self.encoded_len();
        let left = EXTENSION_BYTES - at;
        // Longer data than the 16 bits of the length can say does not fit either.
        let needed = data.len().saturating_add(HEADER + 7) & !7;
        if needed > left {
            return Err(ExtensionError::NoRoom { needed, left });
        }
        self.bytes[at..at + 2].copy_from_slice(&ty.to_le_bytes());
        self.bytes[at + 2..at + HEADER].copy_from_slice(&(data.len() as u16).to_le_bytes());
        self.bytes[at + HEADER..at + HEADER + data.len()].copy_from_slice(data);
        self.len += needed as u8;
        Ok(())
    }

    /// The extensions in their order, known or not: type (with bit 15) and data.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &[u8])> {
        let mut rest = &self.bytes[..self.encoded_len()];
        core::iter::from_fn(move || {
            let (ty, data, after) = split_entry(rest)?;
            rest = after;
            Some((ty, data))
        })
    }

    /// The data of the first extension of this type. Bit 15 is not part of a type's number.
    pub fn get(&self, ty: u16) -> Option<&[u8]> {
        self.iter().find(|(found, _)| number(*found) == number(ty)).map(|(_, data)| data)
    }

    /// The RTP time stamp of the frame, if it is there.
    pub fn rtp_timestamp(&self) -> Option<u32> {
        self.get_u32(RTP_TIMESTAMP)
    }

    /// The start of the capture (`CLOCK_MONOTONIC`), if it is there.
    pub fn capture_begin_ns(&self) -> Option<u64> {
        self.get_u64(CAPTURE_BEGIN_NS)
    }

    /// The CRC-32C of the payload, if it is there.
    pub fn crc32c(&self) -> Option<u32> {
        self.get_u32(CRC32C)
    }

    /// The arrival of the frame's last packet (`CLOCK_MONOTONIC`), if it is there.
    pub fn receive_ns(&self) -> Option<u64> {
        self.get_u64(RECEIVE_NS)
    }

    /// Adds the RTP time stamp of the frame.
    pub fn push_rtp_timestamp(&mut self, timestamp: u32) -> Result<(), ExtensionError> {
        self.push(RTP_TIMESTAMP, &timestamp.to_le_bytes())
    }

    /// Adds the start of the capture (`CLOCK_MONOTONIC`).
    pub fn push_capture_begin_ns(&mut self, ns: u64) -> Result<(), ExtensionError> {
        self.push(CAPTURE_BEGIN_NS, &ns.to_le_bytes())
    }

    /// Adds the CRC-32C of the payload.
    pub fn push_crc32c(&mut self, crc: u32) -> Result<(), ExtensionError> {
        self.push(CRC32C, &crc.to_le_bytes())
    }

    /// Adds the arrival of the frame's last packet (`CLOCK_MONOTONIC`).
    pub fn push_receive_ns(&mut self, ns: u64) -> Result<(), ExtensionError> {
        self.push(RECEIVE_NS, &ns.to_le_bytes())
    }

    fn get_u32(&self, ty: u16) -> Option<u32> {
        self.get(ty)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn get_u64(&self, ty: u16) -> Option<u64> {
        self.get(ty)?.try_into().ok().map(u64::from_le_bytes)
    }

    /// Writes the entries to the words behind the body.
    #[inline]
    pub(super) fn write(&self, words: &mut [u64]) {
        let entries = self.bytes[..self.encoded_len()].chunks_exact(8);
        for (word, bytes) in words.iter_mut().zip(entries) {
            let mut whole = [0; 8];
            whole.copy_from_slice(bytes);
            *word = u64::from_le_bytes(whole);
        }
    }

    /// Reads the entries from the words behind the body, at most `EXTENSION_BYTES / 8` of them.
    #[inline]
    pub(super) fn read(words: &[u64]) -> Result<Self, ExtensionError> {
        let mut extensions = Self::new();
        if !words.is_empty() {
            extensions.fill(words)?;
        }
        Ok(extensions)
    }

    fn fill(&mut self, words: &[u64]) -> Result<(), ExtensionError> {
        for (bytes, word) in self.bytes.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
            self.len += 8;
        }
        let mut at = 0;
        while let Some((ty, data, after)) = split_entry(&self.bytes[at..self.encoded_len()]) {
            check_type(ty, data.len())?;
            let (data_end, next) = (at + HEADER + data.len(), self.encoded_len() - after.len());
            // What a producer leaves in the padding is nobody's business: equal extensions compare equal.
            self.bytes[data_end..next].fill(0);
            at = next;
        }
        // Entries and area are whole words, so what is left is empty or has a header.
        let rest = &self.bytes[at..self.encoded_len()];
        match rest.first_chunk::<HEADER>() {
            None => Ok(()),
            Some(&[a, b, c, d]) => {
                let (ty, len) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
                Err(ExtensionError::Truncated { ty, len, left: rest.len() })
            }
        }
    }
}

impl Default for Extensions {
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

const fn number(ty: u16) -> u16 {
    ty & !MUST_UNDERSTAND
}

/// Whether an extension of this type may have this length, and may be there at all.
fn check_type(ty: u16, found: usize) -> Result<(), ExtensionError> {
    let expected = match number(ty) {
        RTP_TIMESTAMP | CRC32C => 4,
        CAPTURE_BEGIN_NS | RECEIVE_NS => 8,
        _ if ty & MUST_UNDERSTAND != 0 => return Err(ExtensionError::NotUnderstood { ty }),
        _ => return Ok(()),
    };
    if found == expected {
        Ok(())
    } else {
        Err(ExtensionError::Length { ty, expected, found })
    }
}

/// The type and data of the first entry and the entries behind it; `None` if there is no whole entry.
fn split_entry(area: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (header, rest) = area.split_first_chunk::<HEADER>()?;
    let [a, b, c, d] = *header;
    let len = usize::from(u16::from_le_bytes([c, d]));
    let padded = (HEADER + len).next_multiple_of(8) - HEADER;
    let (entry, after) = rest.split_at_checked(padded)?;
    Some((u16::from_le_bytes([a, b]), entry.get(..len)?, after))
}
