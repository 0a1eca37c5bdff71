use std::io::Cursor;

use super::*;

const STEREO: Format = Format { channels: 2, rate: 48_000 };

fn written(format: Format, samples: SampleFormat, block: &[f32]) -> Vec<u8> {
    let mut writer = Writer::new(Cursor::new(Vec::new()), format, samples).unwrap();
    let (first, second) =
        block.split_at(block.len() / 2 / usize::from(format.channels) * usize::from(format.channels));
    writer.write(first).unwrap();
    writer.write(second).unwrap();
    writer.finish().unwrap().into_inner()
}

fn read_all(file: &[u8]) -> (Format, Vec<f32>) {
    let mut reader = Reader::new(file).unwrap();
    let mut all = Vec::new();
    // A block that does not divide into channels is filled as far as whole sets go.
    let mut block = [0.0; 7];
    loop {
        let count = reader.read(&mut block).unwrap();
        all.extend(&block[..count]);
        if count == 0 {
            return (reader.format(), all);
        }
    }
}

/// Samples that 16 bits hold exactly.
fn ramp(samples: usize) -> Vec<f32> {
    (0..samples).map(|index| index as f32 / 1024.0 - 0.5).collect()
}

/// A minimal file around a `fmt ` chunk and samples.
fn file(fmt: &[u8], data: &[u8]) -> Vec<u8> {
    let size = |bytes: &[u8]| (bytes.len() as u32).to_le_bytes();
    [b"RIFF\0\0\0\0WAVEfmt ", &size(fmt)[..], fmt, b"LIST\x03\0\0\0abc\0data", &size(data), data].concat()
}

fn fmt(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let frame = channels * bits / 8;
    let halves = |values: &[u16]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    let bytes_per_second = (rate * u32::from(frame)).to_le_bytes();
    [&halves(&[tag, channels])[..], &rate.to_le_bytes(), &bytes_per_second, &halves(&[frame, bits])].concat()
}

#[test]
fn both_codings_round_trip() {
    for samples in [SampleFormat::F32, SampleFormat::S16] {
        for channels in [1, 2, 6] {
            let format = Format { channels, rate: 44_100 };
            let block = ramp(60 * usize::from(channels));
            assert_eq!(read_all(&written(format, samples, &block)), (format, block));
        }
    }
}

#[test]
fn a_finished_file_has_true_sizes() {
    let file = written(STEREO, SampleFormat::F32, &ramp(10));
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    assert_eq!((&file[..4], word(4) as usize), (&b"RIFF"[..], file.len() - 8));
    assert_eq!((&file[74..78], word(82)), (&b"fact"[..], 5));
    assert_eq!((&file[86..90], word(90) as usize, file.len()), (&b"data"[..], 40, 94 + 40));
}

#[test]
fn an_unfinished_file_and_a_pipe_play_to_their_end() {
    let mut writer = Writer::new(Vec::new(), STEREO, SampleFormat::S16).unwrap();
    writer.write(&ramp(100)).unwrap();
    let mut file = writer.end().unwrap();
    assert_eq!(read_all(&file), (STEREO, ramp(100)));
    // Killed in the middle of a sample: the pair it belongs to is left out.
    file.truncate(file.len() - 1);
    assert_eq!(read_all(&file).1, ramp(98));
}

#[test]
fn above_four_gigabytes_it_is_rf64() {
    let bytes: u64 = 5 << 30;
    let mut file = header(STEREO, SampleFormat::F32, Some(bytes));
    assert_eq!(file.len(), header(STEREO, SampleFormat::F32, None).len());
    assert_eq!((&file[..4], &file[4..8], &file[12..16]), (&b"RF64"[..], &[255; 4][..], &b"ds64"[..]));
    file.extend([0; 80]);
    let reader = Reader::new(&file[..]).unwrap();
    assert_eq!(reader.left, Some(bytes));
}

#[test]
fn files_of_others_are_read() {
    let s24 = file(&fmt(1, 1, 8_000, 24), &[0, 0, 0x40, 0, 0, 0x80]);
    assert_eq!(read_all(&s24).1, [0.5, -1.0]);
    let s32 = file(&fmt(1, 1, 8_000, 32), &[0, 0, 0, 0xC0]);
    assert_eq!(read_all(&s32).1, [-0.5]);
    let mut extensible = fmt(TAG_EXTENSIBLE, 2, 48_000, 32);
    extensible.extend([22, 0, 32, 0, 3, 0, 0, 0, 3, 0, 0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113]);
    let float = file(&extensible, &[0, 0, 128, 63, 0, 0, 0, 191]);
    assert_eq!(read_all(&float), (STEREO, vec![1.0, -0.5]));
}

#[test]
fn bad_files_are_refused_by_name() {
    let error = |file: &[u8]| Reader::new(file).unwrap_err();
    assert!(matches!(error(b""), WavError::NotWav));
    assert!(matches!(error(b"RIFF\0\0\0\0AVI "), WavError::NotWav));
    assert!(matches!(error(b"RIFF\0\0\0\0WAVE"), WavError::NoData));
    assert!(matches!(error(b"RIFF\0\0\0\0WAVEdata\0\0\0\0"), WavError::NoFmt));
    assert!(matches!(error(b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0abcd"), WavError::NoFmt));
    assert!(matches!(error(b"RIFF\0\0\0\0WAVELIST\xff\xff\xff\xffabcd"), WavError::NoData));
    assert!(matches!(error(b"RIFF\0\0\0\0WAVEds64\x04\0\0\0abcd"), WavError::NoData));
    assert!(matches!(error(&file(&fmt(1, 2, 48_000, 8), &[])), WavError::Coding { tag: 1, bits: 8 }));
    assert!(matches!(error(&file(&fmt(0x55, 2, 48_000, 16), &[])), WavError::Coding { tag: 0x55, .. }));
    assert!(matches!(error(&file(&fmt(TAG_EXTENSIBLE, 2, 48_000, 32), &[])), WavError::NoFmt));
    assert!(matches!(error(&file(&fmt(1, 0, 48_000, 16), &[])), WavError::Format(_)));
    assert!(matches!(error(&file(&fmt(1, 2, 0, 16), &[])), WavError::Format(_)));
    assert!(matches!(error(&file(&fmt(1, 65, 48_000, 16), &[])), WavError::Format(_)));
    let mut writer = Writer::new(Vec::new(), STEREO, SampleFormat::F32).unwrap();
    assert!(matches!(writer.write(&[0.0; 3]), Err(WavError::Uneven { samples: 3, channels: 2 })));
}
