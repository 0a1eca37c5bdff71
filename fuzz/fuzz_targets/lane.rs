//! A page that keeps to the rules of a lane, and one that does not: honest frames, bytes written anywhere at any moment, the file
//! shortened and made longer, while frames are held. Never a panic, nothing outside the mapping; honest frames arrive as they
//! were for as long as nothing was written over; the consumer opens the lane again after any fault.
#![no_main]

#[allow(dead_code)]
#[path = "../../tests/support/page.rs"]
mod page;

use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use arbitrary::Arbitrary;
use frame_ring::{Consumer, Demand, Frame, LaneError, LaneOptions, LaneRead, RecvError};
use libfuzzer_sys::fuzz_target;
use page::Page;

const MOST_ACTIONS: usize = 64;
const DATA_BYTES: u64 = 1 << 16;

#[derive(Debug, Arbitrary)]
struct Input {
    copied: bool,
    entries: u8,
    actions: Vec<Action>,
}

#[derive(Debug, Arbitrary)]
enum Action {
    Send {
        track: u8,
        len: u16,
    },
    Post {
        what: u8,
        descriptor: Vec<u8>,
        payload: Vec<u8>,
    },
    Receive,
    Release(u8),
    /// Writes into the header, the pages of both sides, or the entries, close to where the next one is.
    Scribble {
        place: u8,
        at: u16,
        bytes: Vec<u8>,
    },
    Resize(u32),
    Demand {
        off: bool,
    },
    Reopen,
}

fn path() -> PathBuf {
    PathBuf::from(format!("/dev/shm/frame-ring-fuzz-lane-{}", std::process::id()))
}

fn bytes_of(sequence: u64, len: usize) -> Vec<u8> {
    (0..len).map(|i| (sequence as usize ^ i ^ (i >> 8)) as u8).collect()
}

struct Stage {
    page: Page,
    options: LaneOptions,
    consumer: Option<Consumer>,
    held: Vec<Frame>,
    sent: u64,
    /// Something was written that a page that keeps to the rules does not write.
    dirty: bool,
}

impl Stage {
    fn open(&mut self) {
        self.held.clear();
        self.consumer = None;
        match Consumer::open_lane(path(), self.options) {
            Ok(consumer) => self.consumer = Some(consumer),
            Err(
                LaneError::Header(_) | LaneError::Short { .. } | LaneError::Ring(_) | LaneError::Memory(_),
            ) => {
                assert!(self.dirty, "an honest lane is refused");
            }
            // Copied or not, a shortened file may refuse its pages.
            Err(LaneError::Os(_)) if self.dirty => {}
            Err(why) => panic!("{why}"),
        }
    }

    fn receive(&mut self) {
        let Some(consumer) = &mut self.consumer else { return };
        match consumer.try_recv() {
            Ok(Some(frame)) => {
                let bytes = frame.payload().to_vec();
                if !self.dirty && !bytes.is_empty() {
                    assert_eq!(bytes, bytes_of(frame.descriptor().sequence, bytes.len()));
                }
                self.held.push(frame);
            }
            Ok(None) => {}
            Err(RecvError::BadFrame { .. }) => {}
            Err(_) => {
                assert!(self.dirty, "an honest lane has a fault");
                self.consumer = None;
            }
        }
        let _ = consumer_notes(&mut self.consumer);
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Send { track, len } if !self.dirty => {
                let bytes = bytes_of(self.sent, usize::from(len));
                self.sent += u64::from(self.page.send(track.into(), self.sent, &bytes));
            }
            // Whatever is posted like this keeps to the rules of a lane, if not to those of a frame.
            Action::Post { what, descriptor, payload } if !self.dirty => {
                let _ = self.page.look();
                self.dirty |= !matches!(what, 1..=4);
                let descriptor = &descriptor[..descriptor.len().min(192)];
                let payload = &payload[..payload.len().min(8192)];
                self.dirty |= (what == 1 && payload.len() < 120) || (what == 2 && payload.len() < 40);
                let _ = self.page.post(what.into(), descriptor, payload);
            }
            Action::Send { .. } | Action::Post { .. } => {}
            Action::Receive => self.receive(),
            Action::Release(at) if !self.held.is_empty() => {
                drop(self.held.swap_remove(usize::from(at) % self.held.len()));
            }
            Action::Release(_) => {}
            Action::Scribble { place, at, bytes } => {
                self.dirty = true;
                let at = match place % 4 {
                    0 => u64::from(at) % 4096,
                    1 => 4096 + u64::from(at) % 8192,
                    2 => 5120 + u64::from(at) % 64,
                    _ => 12288 + (self.page.at + u64::from(at)) % DATA_BYTES,
                };
                let _ = self.page.file.write_all_at(&bytes[..bytes.len().min(512)], at);
            }
            Action::Resize(to) => {
                self.dirty = true;
                let _ = self.page.file.set_len(u64::from(to) % (4 * DATA_BYTES));
            }
            Action::Demand { off } => {
                if let Some(consumer) = &mut self.consumer {
                    for track in consumer.tracks() {
                        consumer.set_demand(track.id, Demand { wanted: !off, ..Demand::ALL });
                    }
                }
            }
            Action::Reopen => self.open(),
        }
    }
}

fn consumer_notes(consumer: &mut Option<Consumer>) -> Vec<String> {
    consumer.as_mut().map(Consumer::take_notes).unwrap_or_default()
}

fuzz_target!(|input: Input| {
    let read = if input.copied { LaneRead::Copied } else { LaneRead::Guarded };
    let entries = 2 << (input.entries % 6);
    let page = Page::new(&path(), entries, DATA_BYTES);
    let options = LaneOptions { read };
    let mut stage = Stage { page, options, consumer: None, held: Vec::new(), sent: 0, dirty: false };
    stage.open();
    for action in input.actions.into_iter().take(MOST_ACTIONS) {
        stage.act(action);
        for frame in &stage.held {
            let _ = frame.payload().to_vec();
        }
    }
    let _ = std::fs::remove_file(path());
});
