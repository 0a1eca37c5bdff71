//! Honest traffic, and everything that must hold of each frame that the consumer returns, whoever scribbles.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use frame_ring::{
    AudioFormat, Body, ClaimError, Class, Consumer, Descriptor, EventInfo, Extensions, FourCc, Frame,
    Payload, Picture, Producer, SampleFormat, SendError, Sound, TrackInfo, VideoFormat,
};

use crate::scribbler::Kind;
use crate::support::{in_time, Random};

/// What became of the frames that an honest producer tried to send.
#[derive(Debug, Default)]
pub struct Fate {
    pub sent: AtomicU64,
    pub full: AtomicU64,
    pub corrupt: AtomicU64,
    pub closed: AtomicU64,
    pub revoked: AtomicU64,
}

impl Fate {
    fn count<T>(&self, outcome: Result<T, SendError>) {
        let counter = match outcome.map(drop) {
            Ok(()) => &self.sent,
            Err(SendError::Claim(ClaimError::Full(_) | ClaimError::TooLong { .. })) => &self.full,
            Err(SendError::Claim(ClaimError::Corrupt)) => &self.corrupt,
            Err(SendError::Claim(ClaimError::Closed)) => &self.closed,
            Err(SendError::Commit(frame_ring::CommitError::Revoked)) => &self.revoked,
            Err(why) => panic!("an honest frame is refused: {why}"),
        };
        counter.fetch_add(1, Relaxed);
    }
}

/// Honest traffic until it is told to stop. Every byte of a frame is the low byte of its `source`; `pts_ns` counts the
/// producer's frames. Errors are all right if they are typed; panics and calls that don't return are not.
pub fn send_honestly(producer: &Producer, fate: &Fate, stop: &AtomicBool) {
    let format = VideoFormat::packed(FourCc::NV12, 33, 17).expect("a format");
    let sound = AudioFormat::planar(SampleFormat::S16, 2, 48_000, 96);
    let mut track = None;
    let mut random = Random::new(producer.id().into());
    for n in 1.. {
        if stop.load(Relaxed) {
            return;
        }
        let source = random.word() as u32;
        let bytes = [source as u8; 1300];
        let mut extensions = Extensions::new();
        extensions.push_crc32c(source).expect("room");
        let about = Descriptor { source, pts_ns: Some(n), extensions, ..Descriptor::opaque() };
        track = track.or_else(|| producer.track(&TrackInfo::default()).ok());
        in_time(|| match (&mut track, n % 4) {
            (Some(track), 0) => {
                let picture = Picture { format, planes: &[(&bytes, 33), (&bytes, 34)] };
                fate.count(track.send_video(&picture, &about));
            }
            (Some(track), 1) => {
                let sound = Sound { format: sound, planes: &[&bytes[..192], &bytes[..192]] };
                fate.count(track.send_audio(&sound, &about));
                let _ = (track.wants_now(), track.demand());
            }
            (_, 2) => {
                let about = Descriptor { body: Body::Event(EventInfo::default()), ..about };
                fate.count(producer.send(&bytes[..random.below(200) as usize], &about));
            }
            _ => fate.count(producer.send(&bytes[..random.below(1300) as usize], &about)),
        });
        if random.below(20) == 0 {
            track = None;
        }
        let wait = Duration::from_micros(50);
        in_time(|| drop(producer.claim_timeout(random.below(9000) as usize, Class::Audio, wait)));
        let _ = (producer.stats().map(|stats| stats.label.to_string()), producer.wants(1));
    }
}

/// Where this process has rings mapped.
pub fn mapped_rings() -> BTreeSet<(usize, usize)> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc");
    let ends = |line: &str| {
        let (start, rest) = line.split_once('-')?;
        let number = |n| usize::from_str_radix(n, 16).ok();
        Some((number(start)?, number(rest.split_once(' ')?.0)?))
    };
    maps.lines().filter(|line| line.contains("/memfd:frame-ring")).filter_map(ends).collect()
}

/// Makes a ring and says where its data area lies in this process. Nobody else may map rings meanwhile.
pub fn with_data_area(build: impl FnOnce() -> Consumer) -> (Consumer, Range<usize>) {
    let before = mapped_rings();
    let ring = build();
    let after = mapped_rings();
    let mut new = after.difference(&before);
    let (Some((start, _)), None) = (new.next(), new.next()) else { panic!("one ring was made") };
    let header = ring.snapshot().header;
    let data = start + header.data_offset as usize;
    (ring, data..data + header.data_bytes as usize)
}

/// What is known of a frame that is held.
struct Held {
    frame: Frame,
    descriptor: Descriptor,
    bytes: Range<usize>,
}

/// Sees every frame, and holds some.
pub struct Witness {
    area: Range<usize>,
    /// Honest frames must come whole and in order.
    strict: bool,
    honest: Vec<u8>,
    newest: HashMap<u8, i64>,
    held: Vec<Held>,
    pub frames: u64,
}

impl Witness {
    pub fn new(area: Range<usize>, kind: Kind, honest: Vec<u8>) -> Self {
        Self {
            area,
            strict: kind.spares_frames(),
            honest,
            newest: HashMap::new(),
            held: Vec::new(),
            frames: 0,
        }
    }

    pub fn see(&mut self, frame: Frame) {
        self.frames += 1;
        self.look_at(&frame);
        let bytes = range(&frame.payload());
        for held in &self.held {
            let apart = bytes.end <= held.bytes.start || held.bytes.end <= bytes.start;
            assert!(apart || bytes.is_empty() || held.bytes.is_empty(), "frames lie over each other");
        }
        if self.strict {
            self.is_honest(&frame);
        }
        self.held.push(Held { descriptor: *frame.descriptor(), bytes, frame });
    }

    /// Gives frames back, in any order, until `keep` are left.
    pub fn release(&mut self, keep: usize, random: &mut Random) {
        while self.held.len() > keep {
            self.held.swap_remove(random.below(self.held.len() as u64) as usize);
        }
    }

    /// What is held stays as it was, but for the bytes themselves.
    pub fn look_again(&self) {
        for Held { frame, descriptor, bytes } in &self.held {
            assert_eq!(frame.descriptor(), descriptor);
            assert_eq!(range(&frame.payload()), *bytes);
            self.look_at(frame);
        }
    }

    /// Everything that can be looked at lies inside the payload, and the payload inside the data area.
    fn look_at(&self, frame: &Frame) {
        let (about, payload) = (frame.descriptor(), frame.payload());
        let inside = range(&payload);
        assert_eq!(payload.len(), about.payload_len as usize, "{about:?}");
        assert!(
            self.area.start <= inside.start && inside.end <= self.area.end,
            "{inside:x?} of {:x?}",
            self.area
        );
        assert_eq!(inside.start % 64, 0);
        assert_eq!(payload.to_vec().len(), payload.len());
        assert!(payload.as_slice().is_none(), "nobody trusts these producers");
        let past = payload.len() + 1;
        assert!(payload.part(1, payload.len()).is_none() && payload.read_at(past, &mut [0; 8]) == 0);
        match about.body {
            Body::Video(format) => see_planes(frame, &format, &inside),
            Body::Audio(format) => see_channels(frame, &format, &inside),
            _ => assert!(frame.video().is_none() && frame.audio().is_none()),
        }
        let extensions: usize = about.extensions.iter().map(|(_, data)| 4 + data.len()).sum();
        assert!(extensions <= 64 && about.extensions.encoded_len() <= 64);
        let _ = (about.extensions.crc32c(), about.extensions.rtp_timestamp(), format!("{about:?}").len());
    }

    fn is_honest(&mut self, frame: &Frame) {
        let (about, producer) = (frame.descriptor(), frame.producer());
        assert!(self.honest.contains(&producer), "a frame of producer {producer}");
        let expected = about.source as u8;
        assert!(frame.payload().to_vec().iter().all(|byte| *byte == expected), "{about:?} is torn");
        assert_eq!(about.extensions.crc32c(), Some(about.source));
        let pts = about.pts_ns.expect("honest frames have one");
        let newest = self.newest.insert(producer, pts);
        assert!(newest.is_none_or(|newest| newest < pts), "{pts} came behind {newest:?}");
    }
}

fn range(payload: &Payload<'_>) -> Range<usize> {
    let start = payload.as_ptr() as usize;
    start..start + payload.len()
}

fn is_inside(part: &Payload<'_>, whole: &Range<usize>) {
    let part = range(part);
    assert!(whole.start <= part.start && part.end <= whole.end, "{part:x?} of {whole:x?}");
}

/// Every plane that the format of a valid frame speaks of is there.
fn see_planes(frame: &Frame, format: &VideoFormat, inside: &Range<usize>) {
    let view = frame.video().expect("a picture");
    let count = usize::from(format.plane_count);
    if format.fourcc.layout().is_none() {
        // How the rows lie is the application's business: the first of each plane lies inside.
        for plane in &format.planes[..count] {
            assert!(u64::from(plane.offset) + u64::from(plane.stride) <= inside.len() as u64, "{format:?}");
        }
        return assert!(view.plane(0).is_none());
    }
    assert_eq!(view.planes().count(), count, "{format:?} in {} bytes", inside.len());
    let mut to = vec![0; inside.len()];
    for (plane, place) in view.planes().zip(&format.planes) {
        is_inside(&plane.bytes(), inside);
        assert_eq!(plane.stride(), place.stride as usize);
        let last = plane.row(plane.rows() - 1).expect("the last row");
        is_inside(&last, inside);
        assert!(plane.row(plane.rows()).is_none() && plane.row(usize::MAX).is_none());
        assert_eq!(last.to_vec().len(), plane.row_bytes());
        let packed = plane.rows() * plane.row_bytes();
        // Rows may lie over each other (a stride is no smaller than a row, so they don't) or be copied apart.
        assert!(plane.copy_to(&mut to, plane.row_bytes()) == (packed <= to.len()));
    }
    assert!(view.plane(count).is_none() && view.plane(usize::MAX).is_none());
}

fn see_channels(frame: &Frame, format: &AudioFormat, inside: &Range<usize>) {
    let view = frame.audio().expect("sound");
    let count = usize::from(format.plane_count());
    for plane in 0..count {
        let samples = view.plane(plane).unwrap_or_else(|| panic!("{format:?} in {} bytes", inside.len()));
        is_inside(&samples, inside);
        assert_eq!(samples.len() as u64, format.plane_len());
    }
    assert!(view.plane(count).is_none() && view.plane(usize::MAX).is_none());
}
