//! The chain of extensions.

use frame_ring_core::descriptor::*;

use crate::small;

#[test]
fn known_extensions_have_their_helpers() {
    let mut extensions = Extensions::new();
    extensions.push_rtp_timestamp(0x0102_0304).expect("room");
    extensions.push_capture_begin_ns(u64::MAX - 1).expect("room");
    extensions.push_crc32c(5).expect("room");
    extensions.push_receive_ns(6).expect("room");
    let frame = Descriptor { extensions, ..Descriptor::new(Body::Video(small())) };
    let encoded = frame.encode().expect("all known extensions fit together");
    let found = Descriptor::decode(encoded.words(), 12).expect("valid").extensions;
    assert_eq!(found.rtp_timestamp(), Some(0x0102_0304));
    assert_eq!(found.capture_begin_ns(), Some(u64::MAX - 1));
    assert_eq!(found.crc32c(), Some(5));
    assert_eq!(found.receive_ns(), Some(6));
    assert_eq!(found.iter().map(|(ty, _)| ty).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(found.encoded_len(), 8 + 16 + 8 + 16);
    let none = Extensions::new();
    assert_eq!((none.rtp_timestamp(), none.capture_begin_ns()), (None, None));
    assert_eq!((none.crc32c(), none.receive_ns(), none.get(9)), (None, None, None));
}

/// An opaque descriptor with these words as its extensions.
fn extended(entries: &[u64]) -> [u64; WORDS] {
    let mut words = *Descriptor::opaque().encode().expect("valid").words();
    words[0] += 8 * entries.len() as u64;
    words[8..8 + entries.len()].copy_from_slice(entries);
    words
}

#[test]
fn an_unknown_extension_is_kept_or_refused_as_it_asks() {
    // Type 0x4321 with 6 bytes, dirt in its padding, and a checksum behind it.
    let words = extended(&[0x2211_0006_4321, 0xdddd_dddd_dddd_6655, 0x0000_0007_0004_0003]);
    let found = Descriptor::decode(&words, 0).expect("may be skipped").extensions;
    let mut clean = Extensions::new();
    clean.push(0x4321, &[0x11, 0x22, 0, 0, 0x55, 0x66]).expect("room");
    clean.push_crc32c(7).expect("room");
    assert_eq!(found, clean);
    assert_eq!(found.get(0x4321), Some(&[0x11, 0x22, 0, 0, 0x55, 0x66][..]));
    assert_eq!(found.crc32c(), Some(7));

    let words = extended(&[0x2211_0006_c321, 0, 0]);
    let error = ExtensionError::NotUnderstood { ty: 0xc321 };
    assert_eq!(Descriptor::decode(&words, 0), Err(DescriptorError::Extension(error)));
    assert_eq!(Extensions::new().push(0xc321, &[]), Err(error));

    // A known one may ask for it too, and is found under its number.
    let words = extended(&[0x0000_0007_0004_8003]);
    assert_eq!(Descriptor::decode(&words, 0).expect("known").extensions.crc32c(), Some(7));
}

#[test]
fn wrong_extensions_are_refused() {
    let cases: [(&[u64], ExtensionError); 7] = [
        (&[0x0008_0003, 0], ExtensionError::Length { ty: 3, expected: 4, found: 8 }),
        (&[0x0000_0001], ExtensionError::Length { ty: 1, expected: 4, found: 0 }),
        (&[0x0004_0002], ExtensionError::Length { ty: 2, expected: 8, found: 4 }),
        (&[0x0007_0004, 0], ExtensionError::Length { ty: 4, expected: 8, found: 7 }),
        (&[0x0005_0009], ExtensionError::Truncated { ty: 9, len: 5, left: 8 }),
        (&[0xffff_0009, 0], ExtensionError::Truncated { ty: 9, len: 0xffff, left: 16 }),
        (&[0x0004_0001, 0x0008_0002], ExtensionError::Truncated { ty: 2, len: 8, left: 8 }),
    ];
    for (entries, error) in cases {
        assert_eq!(Descriptor::decode(&extended(entries), 0), Err(DescriptorError::Extension(error)));
        assert!(error.to_string().len() > 10);
    }
}

#[test]
fn extensions_are_full_when_they_are_full() {
    let mut extensions = Extensions::new();
    extensions.push(0x4000, &[1; 60]).expect("64 bytes with its header");
    assert_eq!(extensions.push(0x4001, &[]), Err(ExtensionError::NoRoom { needed: 8, left: 0 }));
    let mut extensions = Extensions::new();
    assert_eq!(extensions.push(0x4000, &[1; 61]), Err(ExtensionError::NoRoom { needed: 72, left: 64 }));
    let long = vec![0; 70_000];
    assert_eq!(extensions.push(0x4000, &long), Err(ExtensionError::NoRoom { needed: 70_008, left: 64 }));
    assert_eq!(
        extensions.push(CRC32C, &[1; 5]),
        Err(ExtensionError::Length { ty: 3, expected: 4, found: 5 })
    );
    assert_eq!(extensions, Extensions::new());
}
