use super::*;
use crate::media::{Plane, Range};

const SIZES: [(u32, u32); 7] =
    [(64, 64), (65, 67), (64, 999), (999, 64), (641, 359), (1280, 720), (1921, 1081)];

fn pattern(width: u32, height: u32) -> Pattern {
    Pattern::new(width, height, 3, FrameRate::whole(30)).unwrap()
}

#[test]
fn every_size_and_number_reads_back() {
    for (width, height) in SIZES {
        let mut sender = pattern(width, height);
        let mut receiver = pattern(width, height);
        for number in [0, 1, 2, 29, 30, 31, 999_999, 1_000_000, u32::MAX - 1, u32::MAX] {
            let picture = sender.draw(number);
            assert_eq!(read_code(&picture), Ok(Code { number, participant: 3 }), "{width}x{height}");
            assert_eq!(receiver.check(&picture), Ok(number), "{width}x{height}");
        }
    }
}

#[test]
fn drawing_the_difference_equals_drawing_from_scratch() {
    for (width, height) in [(64, 64), (129, 97), (320, 180)] {
        let mut kept = pattern(width, height);
        for step in 0..200u32 {
            let number = step.wrapping_mul(step).wrapping_mul(2_654_435_761) >> (step % 32);
            kept.draw(number);
            let mut fresh = pattern(width, height);
            fresh.draw(number);
            assert!(kept.bytes() == fresh.bytes(), "frame {number} at {width}x{height}");
        }
    }
}

#[test]
fn every_single_wrong_pixel_is_found() {
    let mut sender = pattern(64, 66);
    let mut receiver = pattern(64, 66);
    sender.draw(77);
    let good = sender.bytes().to_vec();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        let picture = Picture::packed(Layout::I420, 64, 66, &bad).unwrap();
        let error = receiver.check(&picture).unwrap_err();
        assert!(matches!(error, PatternError::Pixel { number: 77, .. }), "byte {at}: {error}");
    }
    let error =
        receiver.check(&Picture::packed(Layout::I420, 64, 66, &flipped(&good, 64 * 66 + 35)).unwrap());
    let at =
        PatternError::Pixel { number: 77, plane: 1, x: 3, y: 1, expected: good[4259], found: good[4259] ^ 1 };
    assert_eq!(error, Err(at));
}

fn flipped(good: &[u8], at: usize) -> Vec<u8> {
    let mut bad = good.to_vec();
    bad[at] ^= 1;
    bad
}

#[test]
fn a_row_of_an_older_frame_is_found_in_every_plane() {
    let mut sender = pattern(320, 180);
    let mut receiver = pattern(320, 180);
    // Numbers whose bar is beside the code, the digits and the box, and so in every row.
    // After 313 frames the bar is back at its place, in another colour.
    for (number, older) in [(20, 19), (25, 24), (38, 37), (60, 58), (313 + 25, 25), (5 * 313 + 38, 38)] {
        let before = sender.draw(older);
        let before: Vec<Vec<u8>> = (0..3).map(|plane| rows(&before, plane)).collect();
        let now = sender.draw(number);
        let now: Vec<Vec<u8>> = (0..3).map(|plane| rows(&now, plane)).collect();
        for plane in 0..3 {
            let columns = if plane == 0 { 320 } else { 160 };
            for y in 0..now[plane].len() / columns {
                let mut torn = now.clone();
                let row = y * columns..(y + 1) * columns;
                torn[plane][row.clone()].copy_from_slice(&before[plane][row]);
                let all = torn.concat();
                let picture = Picture::packed(Layout::I420, 320, 180, &all).unwrap();
                assert!(receiver.check(&picture).is_err(), "frame {number}, plane {plane}, row {y}");
            }
        }
    }
}

fn rows(picture: &Picture<'_>, plane: usize) -> Vec<u8> {
    (0..picture.plane_size(plane).1).flat_map(|y| picture.row(plane, y).to_vec()).collect()
}

#[test]
fn padded_rows_are_checked_without_their_padding() {
    let mut sender = pattern(65, 67);
    let packed = sender.draw(5);
    let padded: Vec<Vec<u8>> = (0..3)
        .map(|plane| {
            let rows = (0..packed.plane_size(plane).1).map(|y| packed.row(plane, y));
            rows.flat_map(|row| [row, &[99; 31]].concat()).collect()
        })
        .collect();
    let plane = |index: usize, columns: usize| Plane { data: &padded[index], stride: columns + 31 };
    let planes = [plane(0, 65), plane(1, 33), plane(2, 33)];
    let picture = Picture::new(Layout::I420, 65, 67, &planes).unwrap();
    assert_eq!(pattern(65, 67).check(&picture), Ok(5));
}

#[test]
fn noise_and_full_range_leave_the_number_readable() {
    let mut sender = pattern(64, 64);
    let mut noise = 1u32;
    let mut noisy = sender.draw(123_456).contiguous_plane(0).unwrap().to_vec();
    for luma in &mut noisy {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *luma = luma.saturating_add_signed((noise >> 24) as i8 / 2);
    }
    let picture = Picture::packed(Layout::Mono, 64, 64, &noisy).unwrap().with_range(Range::Full);
    assert_eq!(read_number(&picture), Ok(123_456));
    assert_eq!(pattern(64, 64).check(&picture), Err(PatternError::Layout { found: Layout::Mono }));
}

#[test]
fn strangers_are_refused() {
    let mut other = Pattern::new(64, 64, 4, FrameRate::whole(30)).unwrap();
    let wrong = Err(PatternError::Participant { expected: 3, found: 4 });
    assert_eq!(pattern(64, 64).check(&other.draw(9)), wrong);
    let wrong = Err(PatternError::Size { expected: (64, 66), found: (64, 64) });
    assert_eq!(pattern(64, 66).check(&other.draw(9)), wrong);
    for shade in [0, 16, 128, 235, 255] {
        let plain = vec![shade; 64 * 64 * 3 / 2];
        let picture = Picture::packed(Layout::I420, 64, 64, &plain).unwrap();
        assert!(matches!(read_number(&picture), Err(PatternError::Unreadable { .. })), "shade {shade}");
    }
    for (width, height) in [(63, 64), (64, 63), (0, 0), (16_385, 64)] {
        let error = Pattern::new(width, height, 0, FrameRate::whole(30)).unwrap_err();
        assert_eq!(error, PatternError::Unsuited { width, height });
    }
}

#[test]
fn the_box_is_white_exactly_when_the_marker_says_so() {
    for (width, height) in SIZES {
        let mut sender = pattern(width, height);
        for number in (0..64).chain([3_000_000_000, 3_000_000_003]) {
            let lit = flash_lit(&sender.draw(number), number).unwrap();
            assert_eq!(lit, number % 30 < 3, "frame {number} at {width}x{height}");
        }
    }
}

#[test]
fn drawing_touches_a_small_part_of_a_large_picture() {
    let mut sender = pattern(1280, 720);
    let before = sender.draw(100).contiguous_plane(0).unwrap().to_vec();
    let after = sender.draw(101);
    let changed = before.iter().zip(after.contiguous_plane(0).unwrap()).filter(|(a, b)| a != b).count();
    assert!((720..before.len() / 20).contains(&changed), "{changed} pixels changed");
}

#[test]
fn the_background_reaches_the_last_column_and_row_of_odd_sizes() {
    let mut sender = pattern(65, 67);
    let picture = sender.draw(0);
    let (luma, chroma) = (64 + (64 + 66 + 93) / 2, 80 + 159 % 97 + (32 + 33) / 16);
    assert_eq!((picture.row(0, 66)[64], picture.row(1, 33)[32]), (luma, chroma));
}
