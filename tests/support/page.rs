//! The producer of a lane, as a browser's page is one: positional reads and writes of a file, nothing else.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use frame_ring::{Descriptor, TrackInfo};

pub const DATA: u64 = 12288;
pub const POSTED: u64 = 5120;
pub const RELEASED: u64 = 9216;
pub const DEMAND: u64 = 10240;
pub const RECORD: usize = 256;

pub struct Page {
    pub file: File,
    pub entries: u64,
    pub data_bytes: u64,
    pub epoch: u8,
    /// The next entry's number, and its offset.
    pub index: u64,
    pub at: u64,
    /// Number and bytes of the entries that are not released.
    used: VecDeque<(u64, u64)>,
    pub clock: u64,
}

impl Page {
    /// Makes a lane at `path`.
    pub fn new(path: &Path, entries: u32, data_bytes: u64) -> Self {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path).expect("a file");
        file.set_len(DATA + data_bytes).expect("room");
        let mut header = [0; 4096];
        header[8..12].copy_from_slice(&1u32.to_le_bytes());
        header[12..16].copy_from_slice(&entries.to_le_bytes());
        header[24..32].copy_from_slice(&data_bytes.to_le_bytes());
        header[32..36].copy_from_slice(&8u32.to_le_bytes());
        header[64..70].copy_from_slice(b"a page");
        header[128..144].copy_from_slice(b"https://a.test/b");
        file.write_all_at(&header, 0).expect("written");
        file.write_all_at(b"FRAMLANE", 0).expect("written");
        let (index, at, used) = (0, 0, VecDeque::new());
        Self { file, entries: entries.into(), data_bytes, epoch: 0, index, at, used, clock: 1 }
    }

    pub fn byte(&self, at: u64) -> u8 {
        let mut byte = [0];
        self.file.read_exact_at(&mut byte, at).expect("there");
        byte[0]
    }

    /// Follows a new consumer, if one has come, and takes back what is released.
    pub fn look(&mut self) -> bool {
        let epoch = self.byte(8192);
        let is_new = epoch != self.epoch && epoch != 0;
        if is_new {
            (self.index, self.at, self.epoch) = (0, 0, epoch);
            self.used.clear();
            self.file.write_all_at(&vec![0; self.entries as usize], POSTED).expect("written");
            self.file.write_all_at(&[epoch], 4096).expect("written");
        }
        while let Some((index, _)) = self.used.front().copied() {
            if self.byte(RELEASED + index % self.entries) != self.lap(index) {
                break;
            }
            self.used.pop_front();
        }
        is_new
    }

    fn lap(&self, index: u64) -> u8 {
        (index / self.entries % 127) as u8 + 1
    }

    fn in_use(&self) -> u64 {
        self.used.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Takes all entries for released.
    pub fn forget(&mut self) {
        self.used.clear();
    }

    /// Entries that are not released.
    pub fn waiting(&self) -> usize {
        self.used.len()
    }

    /// Posts an entry if there is room. `what` as in the text.
    pub fn post(&mut self, what: u16, descriptor: &[u8], payload: &[u8]) -> bool {
        let len = (RECORD + payload.len()).next_multiple_of(64) as u64;
        let drained = self.used.is_empty() && self.at >= self.data_bytes / 8;
        let pad = if self.at + len > self.data_bytes || drained { self.data_bytes - self.at } else { 0 };
        let slots = 1 + u64::from(pad > 0);
        if len > self.data_bytes - (self.data_bytes / 8).min(256 << 10) {
            return false;
        }
        if self.used.len() as u64 + slots > self.entries || self.in_use() + pad + len > self.data_bytes {
            return false;
        }
        if pad > 0 {
            self.enter(pad, 128);
        }
        let mut bytes = vec![0; RECORD + payload.len()];
        bytes[..4].copy_from_slice(&((RECORD + payload.len()) as u32).to_le_bytes());
        bytes[4..6].copy_from_slice(&what.to_le_bytes());
        self.clock += 1000;
        bytes[8..16].copy_from_slice(&self.clock.to_le_bytes());
        bytes[64..64 + descriptor.len()].copy_from_slice(descriptor);
        bytes[RECORD..].copy_from_slice(payload);
        self.file.write_all_at(&bytes, DATA + self.at).expect("written");
        self.enter(len, 0);
        true
    }

    fn enter(&mut self, len: u64, flag: u8) {
        let byte = self.lap(self.index) | flag;
        self.file.write_all_at(&[byte], POSTED + self.index % self.entries).expect("written");
        self.used.push_back((self.index, len));
        self.index += 1;
        self.at = (self.at + len) % self.data_bytes;
    }

    /// Posts bytes as a frame of track `number`.
    pub fn send(&mut self, number: u32, sequence: u64, payload: &[u8]) -> bool {
        self.look();
        let about = Descriptor { track: number, sequence, mono_ns: self.clock, ..Descriptor::opaque() };
        let about = Descriptor { payload_len: payload.len() as u32, ..about };
        let encoded = about.encode().expect("a descriptor");
        self.post(0, &encoded.bytes(), payload)
    }

    /// Says what a track is, or that it has ended.
    pub fn tell(&mut self, number: u32, ended: bool, info: &TrackInfo) -> bool {
        let mut bytes = [0; 120];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        bytes[4] = 1 + u8::from(ended);
        bytes[8] = info.kind as u8;
        bytes[12] = info.source as u8;
        bytes[16..20].copy_from_slice(&info.source_id.to_le_bytes());
        let (label, participant) = (info.label.to_string(), info.participant.to_string());
        bytes[24..24 + label.len()].copy_from_slice(label.as_bytes());
        bytes[80..80 + participant.len()].copy_from_slice(participant.as_bytes());
        self.post(1, &[], &bytes)
    }
}
