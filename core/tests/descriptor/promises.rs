//! What a decoded descriptor promises, checked field by field.

use frame_ring_core::descriptor::*;

/// What a decoded descriptor promises a consumer, worked out here from the fields alone, in 128 bits.
pub fn assert_within(descriptor: &Descriptor, room: u64) {
    let payload = u128::from(descriptor.payload_len);
    assert!(payload <= u128::from(room));
    match &descriptor.body {
        Body::Video(format) => {
            let (width, height) = (u128::from(format.coded_width), u128::from(format.coded_height));
            assert!((1..=32_767).contains(&width) && (1..=32_767).contains(&height));
            let Rect { x, y, width: w, height: h } = format.visible;
            assert!(w > 0 && h > 0);
            assert!(u128::from(x) + u128::from(w) <= width && u128::from(y) + u128::from(h) <= height);
            for (index, plane) in format.planes.iter().enumerate() {
                let (offset, stride) = (u128::from(plane.offset), u128::from(plane.stride));
                let rows = u128::from(format.plane_rows(index));
                let row = u128::from(format.plane_row_bytes(index));
                if rows > 0 {
                    assert!(row > 0 && stride >= row);
                    assert!(offset + (rows - 1) * stride + row <= payload, "plane {index} of {descriptor:?}");
                } else {
                    assert!(offset + stride <= payload, "plane {index} of {descriptor:?}");
                }
                assert!(u128::from(format.plane_bytes(index).end) <= payload);
            }
        }
        Body::Audio(format) => {
            assert!(format.channels > 0 && format.rate > 0);
            let channels = u128::from(format.channels);
            let plane = u128::from(format.frames) * u128::from(format.sample.bytes());
            if format.planar {
                assert!(u128::from(format.plane_stride) >= plane);
                assert!(u128::from(format.plane_stride) * (channels - 1) + plane <= payload);
            } else {
                assert!(plane * channels <= payload);
            }
        }
        _ => {}
    }
}

/// Decodes any words. If they mean something, then they mean it again after another trip.
pub fn decode_anything(words: &[u64; WORDS], room: u64) -> bool {
    let Ok(descriptor) = Descriptor::decode(words, room) else { return false };
    assert_within(&descriptor, room);
    assert!(word_count(words[0]) * 8 == usize::from(words[0] as u16));
    let again = descriptor.encode().expect("what was decoded can be encoded");
    assert_eq!(again.word_count(), word_count(words[0]));
    assert_eq!(Descriptor::decode(again.words(), room), Ok(descriptor));
    let entries = descriptor.extensions.iter();
    let bytes = entries.map(|(_, data)| (4 + data.len()).next_multiple_of(8)).sum::<usize>();
    assert_eq!(bytes, descriptor.extensions.encoded_len());
    true
}
