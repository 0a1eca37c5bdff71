//! Any memory in a memfd, given to an observer and to a producer that then claims, sends and opens tracks in it while
//! it changes: refused by a typed error exactly when `docs/abi.md` says so, no panic, nothing outside the mapping.
#![no_main]

#[allow(dead_code)]
#[path = "../../tests/support/raw.rs"]
mod raw;

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arbitrary::Arbitrary;
use frame_ring::{
    Class, Descriptor, EventInfo, FourCc, Header, MemoryError, Observer, Picture, Producer, TrackInfo,
    TrackKind, TrackSource, VideoFormat,
};
use frame_ring_core::layout::{Layout, ABI_VERSION};
use frame_ring_core::word::Geometry;
use libfuzzer_sys::fuzz_target;
use memmap2::{MmapOptions, MmapRaw};
use nix::fcntl::SealFlag;
use nix::sys::eventfd::{EfdFlags, EventFd};
use raw::FakeServer;

const MOST_ACTIONS: usize = 32;

#[derive(Debug, Arbitrary)]
struct Input {
    /// A small ring: units, slots as a power of two, tracks.
    size: (u8, u8, u8),
    /// Damage to the header, if any: which field, and what it becomes.
    header: Vec<(Field, Value)>,
    /// How many bytes the file has more than the ring.
    longer: Option<i16>,
    seals: Option<u8>,
    /// Bytes over the beginning, mostly none.
    over: Option<Vec<u8>>,
    owner: u8,
    actions: Vec<Action>,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Field {
    Magic,
    Version,
    Slots,
    Required,
    Optional,
    Total,
    Data,
    SlotsOffset,
    DataOffset,
    Tracks,
    Rest(u8),
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Value {
    Any(u64),
    /// That much more or less than it should be.
    Off(i16),
    Shifted(u8),
}

impl Value {
    fn of(self, now: u64) -> u64 {
        match self {
            Value::Any(value) => value,
            Value::Off(by) => now.wrapping_add_signed(by.into()),
            Value::Shifted(by) => now.rotate_left(by.into()),
        }
    }
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Place {
    /// `tail`, `head`, `wake`, `space`, `closed`.
    Control(u8),
    Slot(u8),
    /// Any word from the control words on.
    Any(u16),
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Action {
    Write(Place, Value),
    Claim { len: u16, class: u8, commit: Option<u16> },
    Wait,
    Send { len: u8 },
    OpenTrack { label: [u8; 4] },
    Track { len: u8 },
    Picture,
    Rename,
    EndTrack,
    Look,
}

/// The header, damaged.
fn header(input: &Input) -> (Header, Vec<u8>) {
    let (units, slots, tracks) = input.size;
    let geometry = Geometry::new(1 + u32::from(units % 64), 2 << (slots % 4)).expect("in range");
    let tracks = 1 + u32::from(tracks % 8);
    let layout = Layout::new(geometry, tracks).expect("in range");
    let good = Header {
        slots: geometry.slots(),
        total_bytes: layout.total_bytes,
        data_bytes: layout.data_bytes(),
        slots_offset: layout.slots_offset,
        data_offset: layout.data_offset,
        tracks,
        ..raw::header()
    };
    let mut bad = good;
    let mut rest = Vec::new();
    for (field, value) in &input.header {
        let narrow = |field: &mut u32| *field = value.of((*field).into()) as u32;
        let wide = |field: &mut u64| *field = value.of(*field);
        match field {
            Field::Magic => wide(&mut bad.magic),
            Field::Version => narrow(&mut bad.abi_version),
            Field::Slots => narrow(&mut bad.slots),
            Field::Required => wide(&mut bad.required_features),
            Field::Optional => wide(&mut bad.optional_features),
            Field::Total => wide(&mut bad.total_bytes),
            Field::Data => wide(&mut bad.data_bytes),
            Field::SlotsOffset => wide(&mut bad.slots_offset),
            Field::DataOffset => wide(&mut bad.data_offset),
            Field::Tracks => narrow(&mut bad.tracks),
            Field::Rest(at) => rest.push((68 + usize::from(*at) % 100, value.of(0) as u8)),
        }
    }
    let mut bytes = raw::header_bytes(&bad);
    for (at, byte) in rest {
        bytes[at] = byte;
    }
    if let Some(over) = &input.over {
        let over = &over[..over.len().min(4096)];
        bytes.resize(bytes.len().max(over.len()), 0);
        bytes[..over.len()].copy_from_slice(over);
    }
    (good, bytes)
}

/// Whether a file of `size` bytes with these seals that begins with `bytes` is a ring, worked out from `docs/abi.md`.
fn is_ring(bytes: &[u8], size: u64, seals: SealFlag) -> bool {
    let u32_at = |at: usize| u128::from(u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i])));
    let u64_at = |at: usize| u128::from(u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i])));
    let page_up = |bytes: u128| bytes.div_ceil(4096) * 4096;
    let (slots, data, tracks) = (u32_at(12), u64_at(40), u32_at(64));
    let slots_offset = page_up(40_960 + tracks * 384);
    let data_offset = page_up(slots_offset + slots * 256);
    let total = page_up(data_offset + data) + 4096;
    seals.contains(raw::SEALS)
        && bytes.starts_with(b"FRAMERNG")
        && u32_at(8) == 1
        && u64_at(16) == 0
        && (2..=1 << 20).contains(&slots)
        && slots.count_ones() == 1
        && (64..=64 << 27).contains(&data)
        && data % 64 == 0
        && (1..=4096).contains(&tracks)
        && (u64_at(48), u64_at(56), u64_at(32)) == (slots_offset, data_offset, total)
        && total <= u128::from(size)
}

/// Somebody else who has the file mapped.
struct Scribbler {
    map: MmapRaw,
    slots_offset: u64,
}

impl Scribbler {
    fn new(fd: &OwnedFd, size: u64, good: &Header) -> Self {
        let map = MmapOptions::new().len(size as usize).map_raw(fd).expect("mapped");
        Self { map, slots_offset: good.slots_offset }
    }

    fn write(&self, place: Place, value: Value) {
        // SAFETY: the mapping is page-aligned and lives as long as `self`; every bit pattern is a word.
        let words: &[AtomicU64] =
            unsafe { std::slice::from_raw_parts(self.map.as_mut_ptr().cast(), self.map.len() / 8) };
        let offset = match place {
            Place::Control(which) => 4096 + 128 * u64::from(which % 5),
            Place::Slot(slot) => self.slots_offset + 256 * u64::from(slot % 16),
            Place::Any(word) => 4096 + 8 * u64::from(word),
        };
        if let Some(word) = words.get((offset / 8) as usize) {
            word.store(value.of(word.load(Ordering::Relaxed)), Ordering::Relaxed);
        }
    }
}

fn look(observer: &Observer) {
    let snapshot = observer.snapshot();
    let Header { slots, data_bytes, tracks, .. } = snapshot.header;
    assert!(snapshot.slots.len() <= slots as usize && snapshot.tracks.len() <= tracks as usize);
    assert!(snapshot.used_bytes <= data_bytes && snapshot.producers.len() <= 256);
    let shown = format!("{snapshot:?} {} {:?}", snapshot.name(), snapshot.oldest_held_ns());
    assert!(!shown.contains('\x1b'), "names are made harmless");
}

/// Errors are all right, of whatever kind.
fn use_ring(producer: &Producer, observer: &Observer, scribbler: &Scribbler, actions: &[Action]) {
    let bytes = [7; 8192];
    let mut track = None;
    for action in actions.iter().take(MOST_ACTIONS) {
        match *action {
            Action::Write(place, value) => scribbler.write(place, value),
            Action::Claim { len, class, commit } => {
                let class = [Class::Video, Class::Audio, Class::Event][usize::from(class % 3)];
                if let Ok(mut grant) = producer.try_claim(len.into(), class) {
                    assert_eq!(grant.len(), usize::from(len));
                    grant.write_at(0, &bytes[..grant.len()]);
                    if let Some(len) = commit {
                        let _ = grant.commit_len(len.into(), &Descriptor::opaque());
                    }
                }
            }
            Action::Wait => {
                let _ = producer.claim_timeout(64, Class::Event, Duration::from_micros(20));
            }
            Action::Send { len } => {
                let _ = producer.send(&bytes[..len.into()], &Descriptor::event(EventInfo::default()));
            }
            Action::OpenTrack { label } => {
                let label = String::from_utf8_lossy(&label);
                track = producer.track(&TrackInfo::new(TrackKind::Video, TrackSource::Camera, &label)).ok();
            }
            Action::EndTrack => track = None,
            Action::Look => {
                look(observer);
                let _ = (producer.stats(), producer.is_connected(), producer.wants(1));
            }
            Action::Track { len } => {
                if let Some(track) = &mut track {
                    let _ = track.send_bytes(&bytes[..len.into()], &Descriptor::opaque());
                }
            }
            Action::Picture => {
                if let Some(track) = &mut track {
                    let format = VideoFormat::packed(FourCc::NV12, 33, 17).expect("a format");
                    let picture = Picture { format, planes: &[(&bytes, 33), (&bytes, 34)] };
                    let _ = (track.send_video(&picture, &Descriptor::default()), track.demand());
                }
            }
            Action::Rename => {
                if let Some(track) = &mut track {
                    track.set_info(&TrackInfo::default());
                }
            }
        }
    }
}

fuzz_target!(|input: Input| {
    let (good, bytes) = header(&input);
    let size = good.total_bytes.saturating_add_signed(input.longer.unwrap_or(0).into());
    // Without the seal against writes: who may only look is another case, which has its test.
    let seals = input.seals.map_or(raw::SEALS, |seals| SealFlag::from_bits_truncate((seals & 7).into()));
    let fd = raw::memfd(&bytes, size, seals);
    let is_ring = is_ring(&bytes, size, seals);

    let observer = Observer::from_memfd(fd.try_clone().expect("another"));
    let event: OwnedFd = EventFd::from_flags(EfdFlags::EFD_NONBLOCK).expect("an eventfd").into();
    let owner = input.owner.max(1);
    let welcome = raw::answer(ABI_VERSION, 0, owner.into(), 1);
    let server = FakeServer::answering(&welcome, &[fd.as_raw_fd(), event.as_fd().as_raw_fd()]);
    let producer = Producer::from_fd(server.client, "victim");
    assert_eq!((observer.is_ok(), producer.is_ok()), (is_ring, is_ring), "{observer:?} {producer:?}");
    if let (Ok(observer), Ok(producer)) = (&observer, &producer) {
        let scribbler = Scribbler::new(&fd, size, &good);
        look(observer);
        use_ring(producer, observer, &scribbler, &input.actions);
    }
    if let Err(why) = observer {
        assert!(!why.to_string().is_empty() && !matches!(why, MemoryError::Os { .. }), "{why}");
    }
});
