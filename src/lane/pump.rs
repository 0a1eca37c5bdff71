//! The way of what a page has posted into the ring: each entry is claimed and committed in the page's stead.
//!
//! Owns what the consumer alone knows of the page: its next entry, its tracks' ids, its clock, its notes. One thread at a time.

use std::sync::atomic::Ordering;

use frame_ring_core::arena::Arena;
use frame_ring_core::claim::{self, Class};
use frame_ring_core::descriptor::{Descriptor, Extensions, CAPTURE_BEGIN_NS, RECEIVE_NS};
use frame_ring_core::lane::{
    lap_byte, Counters, PageClock, Record, TrackNews, What, COUNTER_BYTES, NOTE_BYTES, PAD, RECORD_BYTES,
    RECORD_UNITS, TRACK_BYTES,
};
use frame_ring_core::port::Port;
use frame_ring_core::region::Region;
use frame_ring_core::tracks;
use frame_ring_core::word::{Cursor, UNIT};

use super::error::LaneFault;
use super::file::LaneFile;
use super::watch::{News, Watch};
use super::LaneInfo;
use crate::consumer::Shared;
use crate::sys::clock;
use crate::{Demand, RecvError};

/// The page as a producer of the ring.
pub(crate) const OWNER: u8 = 1;
/// Notes kept for whoever asks for them.
const NOTES: usize = 64;
/// Entries that are taken at once, so that a page which posts faster than they are received keeps nobody here.
const AT_ONCE: u32 = 64;

/// What the consumer knows of the page.
#[derive(Debug)]
pub(crate) struct Pump {
    info: LaneInfo,
    watch: Watch,
    /// The number of the next entry.
    index: u64,
    answered: bool,
    /// The page's handle is gone.
    left: bool,
    fault: Option<LaneFault>,
    clock: PageClock,
    /// Ids in the ring of the page's tracks, by number; 0 if there is none.
    ids: Vec<u32>,
    notes: Vec<String>,
}

impl Pump {
    pub(super) fn new(info: LaneInfo, watch: Watch, tracks: u32) -> Self {
        Self {
            info,
            watch,
            index: 0,
            answered: false,
            left: false,
            fault: None,
            clock: PageClock::default(),
            ids: vec![0; tracks as usize + 1],
            notes: Vec::new(),
        }
    }

    pub(super) fn info(&self) -> &LaneInfo {
        &self.info
    }

    pub(super) fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// Looks for news of the file. Returns whether there were any.
    pub(crate) fn listen(&mut self, shared: &Shared, lane: &LaneFile) -> bool {
        let News { any, closed } = self.watch.look();
        if any && self.fault.is_none() {
            // A file that was shortened and made longer again has lost pages of the mapping all the same.
            let hit = shared.memory.was_hit().then_some(LaneFault::Shortened);
            self.fault = hit.or(lane.check_size().err());
        }
        if closed && !self.left {
            self.left = true;
            shared.leave(OWNER);
        }
        any
    }

    /// Takes what is posted into the ring; says whether there is more. An error of one entry is told, and the next call goes
    /// on behind it.
    pub(crate) fn take(&mut self, shared: &Shared, lane: &LaneFile) -> Result<bool, RecvError> {
        for _ in 0..AT_ONCE {
            if let Some(fault) = self.fault {
                shared.leave(OWNER);
                return Err(RecvError::Lane(fault));
            }
            match self.entry(shared, lane) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(RecvError::Lane(fault)) => self.fault = Some(fault),
                Err(why) => return Err(why),
            }
        }
        Ok(true)
    }

    /// Takes one entry, if one is posted.
    fn entry(&mut self, shared: &Shared, lane: &LaneFile) -> Result<bool, RecvError> {
        self.answered = self.answered || lane.is_answered()?;
        if !self.answered {
            return Ok(false);
        }
        let entries = lane.header().entries;
        let (index, found, expected) = (self.index, lane.posted(self.index)?, lap_byte(self.index, entries));
        if found & !PAD != expected {
            let is_older = match index.checked_sub(u64::from(entries)) {
                None => found == 0,
                Some(before) => found & !PAD == lap_byte(before, entries),
            };
            return if is_older {
                Ok(false)
            } else {
                Err(LaneFault::Posted { index, expected, found }.into())
            };
        }
        let port = Port::new(*shared.region(), OWNER);
        let place = Place::next(port.region()).ok_or(LaneFault::Length { index, units: 0, room: 0 })?;
        let result = match found & PAD {
            0 => self.open(&port, lane, place),
            _ => skip(&port, index, place.rest).map_err(RecvError::from),
        };
        if !matches!(result, Err(RecvError::Lane(_))) {
            self.index += 1;
        }
        result.map(|()| true)
    }

    /// Takes an entry that begins with a record.
    fn open(&mut self, port: &Port, lane: &LaneFile, place: Place) -> Result<(), RecvError> {
        let index = self.index;
        let Place { offset, room, .. } = place;
        let length = |units| RecvError::from(LaneFault::Length { index, units, room });
        if room < RECORD_UNITS {
            return Err(length(RECORD_UNITS));
        }
        let mut bytes = [0; RECORD_BYTES];
        read(lane, port.region(), offset, 0, &mut bytes)?;
        let record = Record::parse(&bytes).map_err(|why| LaneFault::Record { index, why })?;
        if record.units() > room {
            return Err(length(record.units()));
        }
        self.clock.observe(record.sent_ns, clock::mono_ns());
        match record.what {
            What::Frame => return self.frame(port, lane, offset, &record),
            What::Track => {
                let mut bytes = [0; TRACK_BYTES];
                read(lane, port.region(), offset, RECORD_BYTES, &mut bytes)?;
                self.track(port.region(), lane, &TrackNews::parse(&bytes));
            }
            What::Counters => {
                let mut bytes = [0; COUNTER_BYTES];
                read(lane, port.region(), offset, RECORD_BYTES, &mut bytes)?;
                self.count(port.region(), &Counters::parse(&bytes));
            }
            What::Time => {}
            What::Note => {
                let mut bytes = vec![0; (record.payload_len() as usize).min(NOTE_BYTES)];
                read(lane, port.region(), offset, RECORD_BYTES, &mut bytes)?;
                if self.notes.len() < NOTES {
                    self.notes.push(String::from_utf8_lossy(&bytes).into_owned());
                }
            }
        }
        skip(port, index, record.units()).map_err(RecvError::from)
    }

    /// Claims and commits a frame in the page's stead.
    fn frame(&mut self, port: &Port, lane: &LaneFile, offset: u32, record: &Record) -> Result<(), RecvError> {
        let index = self.index;
        let decoded = Descriptor::decode(&record.descriptor, record.payload_len().into());
        let translated = decoded.map(|descriptor| self.translate(descriptor));
        let (descriptor, encoded) = match translated.and_then(|d| Ok((d, d.encode()?))) {
            Ok(translated) => translated,
            Err(why) => {
                skip(port, index, record.units())?;
                return Err(RecvError::BadFrame { producer: OWNER, why });
            }
        };
        let claimed = claim::claim(port.region(), OWNER, Class::Event, record.units());
        let claim = claimed.map_err(|_| no_room(index, record.units()))?;
        let (start, len) = port.region().payload(offset + RECORD_UNITS, record.units() - RECORD_UNITS);
        let len = len.min(descriptor.payload_len as usize);
        // SAFETY: bytes of the claim, which nobody reads before it is committed; where they are a mapping of the file, `fetch`
        // does not touch them.
        let fetched = unsafe { lane.fetch(u64::from(offset + RECORD_UNITS) * UNIT, start.as_ptr(), len) };
        if let Err(why) = fetched {
            let _ = port.abort(claim);
            return Err(why.into());
        }
        // Nobody else commits in this ring, so nobody has to be woken: this is the consumer.
        let _ = port.commit(claim, &encoded, descriptor.payload_len);
        if let Some(track) = tracks::find(port.region(), descriptor.track) {
            track.sent.fetch_add(1, Ordering::Relaxed);
            track.sent_bytes.fetch_add(descriptor.payload_len.into(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// What the page says of a frame in the ring's terms: the track's id, and times.
    fn translate(&self, mut descriptor: Descriptor) -> Descriptor {
        descriptor.track = self.ids.get(descriptor.track as usize).copied().unwrap_or(0);
        descriptor.mono_ns = self.clock.to_mono(descriptor.mono_ns);
        let mut mapped = Extensions::new();
        for (ty, data) in descriptor.extensions.iter() {
            let time = <[u8; 8]>::try_from(data).ok().map(u64::from_le_bytes);
            let _ = match (ty, time) {
                (CAPTURE_BEGIN_NS | RECEIVE_NS, Some(ns)) => {
                    mapped.push(ty, &self.clock.to_mono(ns).to_le_bytes())
                }
                _ => mapped.push(ty, data),
            };
        }
        descriptor.extensions = mapped;
        descriptor
    }

    fn track(&mut self, region: &Region, lane: &LaneFile, news: &TrackNews) {
        let Some(id) = self.ids.get_mut(news.number as usize).filter(|_| news.number > 0) else { return };
        let entry = tracks::find(region, *id).filter(|entry| entry.is_live());
        match entry {
            Some(entry) if news.ended => entry.end(),
            Some(entry) => entry.write_info(&news.info),
            // As many as the lane has numbers, so there is an entry for each.
            None if !news.ended => {
                *id = tracks::open(region, OWNER, &news.info).unwrap_or(0);
                // Of the last track with this number something else may have been wanted.
                lane.demand(news.number, &Demand::ALL);
            }
            None => {}
        }
    }

    fn count(&self, region: &Region, counters: &Counters) {
        let id = self.ids.get(counters.number as usize).copied().unwrap_or(0);
        if let Some(entry) = tracks::find(region, id) {
            entry.sent.store(counters.frames, Ordering::Relaxed);
            entry.sent_bytes.store(counters.bytes, Ordering::Relaxed);
            entry.dropped.store(counters.dropped, Ordering::Relaxed);
            entry.unwanted.store(counters.unwanted, Ordering::Relaxed);
        }
    }

    /// Tells the page what is wanted of a track.
    pub(crate) fn set_demand(&self, lane: &LaneFile, id: u32, demand: &Demand) {
        if let Some(number) = self.ids.iter().position(|known| id != 0 && *known == id) {
            lane.demand(number as u32, demand);
        }
    }
}

/// Where the next entry lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Offset in units.
    offset: u32,
    /// Units to the end of the data area.
    rest: u32,
    /// Units of these that are free.
    room: u32,
}

impl Place {
    /// `None` if all entries are in use.
    fn next(region: &Region) -> Option<Self> {
        let (geometry, control) = (region.geometry(), region.control());
        // Relaxed: only this process writes to these words, and `head` only ever frees more.
        let tail = Cursor(control.tail.0.load(Ordering::Relaxed));
        let head = Cursor(control.head.0.load(Ordering::Acquire));
        let rest = geometry.room(tail);
        let free = geometry.capacity() - geometry.used(tail, head);
        let is_free = tail.claims_since(head) < u64::from(geometry.slots());
        is_free.then(|| Self { offset: geometry.offset(tail), rest, room: rest.min(free) })
    }
}

impl From<LaneFault> for RecvError {
    fn from(fault: LaneFault) -> Self {
        RecvError::Lane(fault)
    }
}

fn no_room(index: u64, units: u32) -> LaneFault {
    LaneFault::Length { index, units, room: 0 }
}

/// Takes an entry that is no frame: its bytes are free at once.
fn skip(port: &Port, index: u64, units: u32) -> Result<(), LaneFault> {
    let claim = claim::claim(port.region(), OWNER, Class::Event, units).map_err(|_| no_room(index, units))?;
    let _ = claim::abort(port.region(), claim);
    Ok(())
}

/// A private copy of bytes of the entry at `offset` (units), from its byte `from` on.
fn read(lane: &LaneFile, region: &Region, offset: u32, from: usize, to: &mut [u8]) -> Result<(), LaneFault> {
    let units = (from + to.len()).div_ceil(UNIT as usize) as u32;
    let (start, _) = region.payload(offset, units);
    // SAFETY: the bytes lie in the data area (`payload` has checked it) and are free, so nobody reads them; the C library's
    // memcpy is opaque to the compiler, whatever the page writes meanwhile.
    unsafe {
        let start = start.as_ptr().add(from);
        lane.fetch(u64::from(offset) * UNIT + from as u64, start, to.len())?;
        libc::memcpy(to.as_mut_ptr().cast(), start.cast(), to.len());
    }
    Ok(())
}
