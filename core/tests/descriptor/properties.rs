//! What holds for all descriptors, and for all words that are none.

use frame_ring_core::descriptor::*;
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

use crate::arbitrary::descriptor;
use crate::promises::{assert_within, decode_anything};

/// The same cases in every run.
fn config(cases: u32) -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(0x6672_616d_6572_696e);
    ProptestConfig { cases, failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(1500))]

    #[test]
    fn a_valid_descriptor_comes_back((descriptor, room) in descriptor()) {
        let encoded = descriptor.encode().expect("valid");
        assert_within(&descriptor, room);
        prop_assert_eq!(Descriptor::decode(encoded.words(), room), Ok(descriptor));
        prop_assert_eq!(encoded.used().len(), encoded.word_count());
        prop_assert!(encoded.words()[encoded.word_count()..].iter().all(|word| *word == 0));
    }

    #[test]
    fn only_the_words_in_use_matter((descriptor, room) in descriptor(), garbage in any::<u64>()) {
        let mut words = [garbage; WORDS];
        let used = descriptor.encode_into(&mut words).expect("valid");
        prop_assert!(words[used..].iter().all(|word| *word == garbage));
        prop_assert_eq!(word_count(words[0]), used);
        let encoded = descriptor.encode().expect("valid");
        prop_assert_eq!(&words[..used], encoded.used());
        prop_assert_eq!(Descriptor::decode(&words, room), Ok(descriptor));
    }

    #[test]
    fn one_byte_less_of_payload_or_room_is_refused((descriptor, _) in descriptor()) {
        let needed = Descriptor::new(descriptor.body).payload_len;
        if let Some(less) = needed.checked_sub(1) {
            let short = Descriptor { payload_len: less, ..descriptor };
            let refused = match short.encode() {
                Err(DescriptorError::Format(error)) => error,
                other => panic!("{other:?}"),
            };
            let outside =
                matches!(refused, FormatError::PlaneOutside { .. } | FormatError::SamplesOutside { .. });
            prop_assert!(outside, "{:?}", refused);
        }
        if let Some(room) = u64::from(descriptor.payload_len).checked_sub(1) {
            let payload_len = descriptor.payload_len;
            let refused = Descriptor::decode(descriptor.encode().expect("valid").words(), room);
            prop_assert_eq!(refused, Err(DescriptorError::PayloadBeyondRoom { payload_len, room }));
        }
    }
}

proptest! {
    #![proptest_config(config(8_000))]

    #[test]
    fn any_words_do_no_harm(words in any::<[u64; WORDS]>(), room in any::<u64>()) {
        decode_anything(&words, room);
    }

    /// Random words behind a first word that is good enough to be looked into.
    #[test]
    fn any_fields_do_no_harm(
        kind in 1..=6u64, len in 8..=24u64, mut words in any::<[u64; WORDS]>(), small in any::<u32>(), room in any::<u64>(),
    ) {
        words[0] = (words[0] >> 32 << 32) | (kind << 24) | (1 << 16) | (len * 8);
        for (at, word) in words.iter_mut().enumerate().skip(1) {
            // Small values in half of the words: those are the ones that pass a check and meet the next one.
            if small >> at & 1 == 1 {
                *word &= 0x0000_0103_0000_0107;
            }
        }
        decode_anything(&words, room);
    }
}

/// A valid descriptor with some bytes changed: many of these decode, and must keep the promises then.
#[test]
fn damaged_descriptors_do_no_harm() {
    let damage = proptest::collection::vec((0..DESCRIPTOR_BYTES, any::<u8>()), 1..4);
    let decoded = std::cell::Cell::new((0u32, 0u32));
    let cases = 8_000;
    let mut runner = TestRunner::new(config(cases));
    runner
        .run(&(descriptor(), damage), |((descriptor, room), damage)| {
            let mut words = *descriptor.encode().expect("valid").words();
            let used = word_count(words[0]) * 8;
            for (at, value) in damage {
                let at = at % used;
                let shift = at % 8 * 8;
                words[at / 8] = (words[at / 8] & !(0xff << shift)) | (u64::from(value) << shift);
            }
            let (good, bad) = decoded.get();
            decoded.set(if decode_anything(&words, room) { (good + 1, bad) } else { (good, bad + 1) });
            Ok(())
        })
        .expect("no harm");
    // Otherwise this test looks at nothing.
    let (good, bad) = decoded.get();
    assert!(good > cases / 10 && bad > cases / 10, "{good} decoded, {bad} refused");
}
