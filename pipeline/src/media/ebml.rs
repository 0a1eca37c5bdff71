//! EBML elements, the building blocks of Matroska, appended to a byte vector.

/// Appends an element's id, which carries its own length marker.
fn id(out: &mut Vec<u8>, id: u32) {
    let bytes = id.to_be_bytes();
    out.extend(&bytes[id.leading_zeros() as usize / 8..]);
}

/// Appends a size in the fewest bytes.
fn size(out: &mut Vec<u8>, size: u64) {
    // All ones are reserved for "unknown", so a length of n bytes holds up to 2^7n - 2.
    let length = (1..8).find(|length| size < (1 << (7 * length)) - 1).unwrap_or(8);
    let marked = size | 1 << (7 * length);
    out.extend(&marked.to_be_bytes()[8 - length..]);
}

/// A size in eight bytes, to be patched; `None` says "unknown, up to the end".
pub(super) fn long_size(size: Option<u64>) -> [u8; 8] {
    const MARKER: u64 = 1 << 56;
    (MARKER | size.unwrap_or(MARKER - 1)).to_be_bytes()
}

/// Appends an element with any content.
pub(super) fn binary(out: &mut Vec<u8>, element: u32, content: &[u8]) {
    head(out, element, content.len() as u64);
    out.extend(content);
}

/// Appends the id and the size of an element whose content follows.
pub(super) fn head(out: &mut Vec<u8>, element: u32, content: u64) {
    id(out, element);
    size(out, content);
}

/// Appends an unsigned integer in the fewest bytes.
pub(super) fn uint(out: &mut Vec<u8>, element: u32, value: u64) {
    let skip = (value.leading_zeros() as usize / 8).min(7);
    binary(out, element, &value.to_be_bytes()[skip..]);
}

/// Appends an unsigned integer in eight bytes, to be patched or of a size known beforehand.
pub(super) fn long_uint(out: &mut Vec<u8>, element: u32, value: u64) {
    binary(out, element, &value.to_be_bytes());
}

/// Appends a 64-bit float.
pub(super) fn float(out: &mut Vec<u8>, element: u32, value: f64) {
    binary(out, element, &value.to_be_bytes());
}

/// Appends a string.
pub(super) fn string(out: &mut Vec<u8>, element: u32, value: &str) {
    binary(out, element, value.as_bytes());
}

/// Appends an element that holds what `fill` appends.
pub(super) fn master(out: &mut Vec<u8>, element: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut content = Vec::new();
    fill(&mut content);
    binary(out, element, &content);
}

/// Appends a Void element of `total` bytes, head included: room for something written later.
///
/// `total` must be 9 or more; the size takes eight bytes.
pub(super) fn void(out: &mut Vec<u8>, total: usize) {
    out.push(0xEC);
    out.extend(long_size(Some(total as u64 - 9)));
    out.resize(out.len() + total - 9, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(make: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        make(&mut out);
        out
    }

    #[test]
    fn sizes_take_the_fewest_bytes_and_never_all_ones() {
        assert_eq!(made(|out| size(out, 0)), [0x80]);
        assert_eq!(made(|out| size(out, 126)), [0xFE]);
        assert_eq!(made(|out| size(out, 127)), [0x40, 0x7F]);
        assert_eq!(made(|out| size(out, 16_382)), [0x7F, 0xFE]);
        assert_eq!(made(|out| size(out, 16_383)), [0x20, 0x3F, 0xFF]);
        assert_eq!(made(|out| size(out, 1 << 50)), [1, 4, 0, 0, 0, 0, 0, 0]);
        assert_eq!(long_size(Some(5)), [1, 0, 0, 0, 0, 0, 0, 5]);
        assert_eq!(long_size(None), [1, 255, 255, 255, 255, 255, 255, 255]);
    }

    #[test]
    fn elements_are_id_size_content() {
        assert_eq!(made(|out| uint(out, 0xD7, 0)), [0xD7, 0x81, 0]);
        assert_eq!(made(|out| uint(out, 0x2A_D7B1, 100_000)), [0x2A, 0xD7, 0xB1, 0x83, 1, 0x86, 0xA0]);
        assert_eq!(made(|out| string(out, 0x86, "ab")), [0x86, 0x82, b'a', b'b']);
        assert_eq!(made(|out| float(out, 0x4489, 1.0)), [0x44, 0x89, 0x88, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0]);
        let nested = made(|out| master(out, 0x1A45_DFA3, |out| uint(out, 0x4286, 1)));
        assert_eq!(nested, [0x1A, 0x45, 0xDF, 0xA3, 0x84, 0x42, 0x86, 0x81, 1]);
        let room = made(|out| void(out, 12));
        assert_eq!(room, [0xEC, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]);
    }
}
