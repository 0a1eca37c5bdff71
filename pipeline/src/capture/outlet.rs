//! Where frames go: into a ring, or into a WebSocket to compare with.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use frame_ring::{Body, ClaimError, Descriptor, Flags, Picture, Producer, SendError, Sent, Track, TrackInfo};

use crate::error::CliError;
use crate::websocket::{Sender, Style};

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is on its way.
    Sent,
    /// There was no room.
    Dropped,
    /// Nobody wants it.
    Unwanted,
}

/// Takes frames of numbered tracks.
pub trait Outlet {
    /// Sends a frame of a track. Of `about`, its number and its drops are filled in.
    fn send(&mut self, track: usize, about: &Descriptor, bytes: &[u8]) -> Result<Fate, CliError>;

    /// Says that all tracks end.
    fn finish(self) -> Result<(), CliError>;
}

/// How long a frame that must not be dropped waits for room: a consumer that takes nothing for longer is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tracks of a ring.
#[derive(Debug)]
pub struct RingOutlet {
    tracks: Vec<Track>,
}

impl RingOutlet {
    /// Opens all tracks, so that the receiver knows of them before the first frame comes. `complete`: waits for room
    /// instead of dropping frames.
    pub fn open(producer: &Producer, tracks: &[TrackInfo], complete: bool) -> Result<Self, CliError> {
        let open = |info| {
            let mut track = producer.track(info)?;
            if complete {
                track.set_patience(PATIENCE);
            }
            Ok(track)
        };
        let tracks = tracks.iter().map(open).collect::<Result<_, frame_ring::TracksFull>>();
        Ok(Self { tracks: tracks.map_err(|why| CliError::failed("open a track", why))? })
    }
}

impl Outlet for RingOutlet {
    fn send(&mut self, track: usize, about: &Descriptor, bytes: &[u8]) -> Result<Fate, CliError> {
        let sent = match about.body {
            Body::Video(format) => {
                let mut planes = [(&bytes[..0], 0); 4];
                let count = usize::from(format.plane_count);
                for (index, plane) in planes.iter_mut().enumerate().take(count) {
                    let range = format.plane_bytes(index);
                    let plane_bytes = bytes.get(range.start as usize..range.end as usize);
                    *plane = (plane_bytes.unwrap_or_default(), format.planes[index].stride as usize);
                }
                self.tracks[track].send_video(&Picture { format, planes: &planes[..count] }, about)
            }
            _ => self.tracks[track].send_bytes(bytes, about),
        };
        match sent {
            Ok(Sent::Committed) => Ok(Fate::Sent),
            Ok(Sent::Unwanted) => Ok(Fate::Unwanted),
            Err(SendError::Claim(ClaimError::Full(_))) => Ok(Fate::Dropped),
            Err(SendError::Claim(ClaimError::Closed)) => {
                Err(CliError::Failed("the consumer has left".into()))
            }
            Err(why) => Err(CliError::failed("send a frame", why)),
        }
    }

    fn finish(self) -> Result<(), CliError> {
        for track in self.tracks {
            // A ring without room for it, or without a consumer: the end of the connection says the same.
            let _ = track.finish();
        }
        Ok(())
    }
}

/// Bytes before the payload of a message: a descriptor as in a slot of the ring.
pub const MESSAGE_HEAD: usize = 192;

/// A WebSocket. Each frame is one message: its descriptor, then its payload.
#[derive(Debug)]
pub struct WebSocketOutlet {
    sender: Sender<TcpStream>,
    /// The number of each track's next frame.
    sequences: Vec<u64>,
}

impl WebSocketOutlet {
    /// Connects as Chromium would.
    pub fn connect(address: SocketAddr, tracks: usize) -> Result<Self, CliError> {
        let sender = Sender::connect(address, Style::Chromium);
        let sender = sender.map_err(|why| CliError::failed(format!("connect to {address}"), why))?;
        Ok(Self { sender, sequences: vec![0; tracks] })
    }

    fn message(&mut self, about: &Descriptor, bytes: &[u8]) -> Result<(), CliError> {
        let head = about.encode().map_err(|why| CliError::failed("describe a frame", why))?.bytes();
        self.sender.send(&[&head, bytes]).map_err(|why| CliError::failed("send a frame", why))
    }
}

impl Outlet for WebSocketOutlet {
    fn send(&mut self, track: usize, about: &Descriptor, bytes: &[u8]) -> Result<Fate, CliError> {
        // Ids as the ring gives them: from 1 on.
        let about = Descriptor { track: track as u32 + 1, sequence: self.sequences[track], ..*about };
        self.message(&about, bytes)?;
        self.sequences[track] += 1;
        Ok(Fate::Sent)
    }

    fn finish(mut self) -> Result<(), CliError> {
        for (track, sequence) in self.sequences.clone().into_iter().enumerate() {
            let end = Descriptor {
                flags: Flags::EOS,
                track: track as u32 + 1,
                sequence,
                ..Descriptor::event(Default::default())
            };
            self.message(&end, &[])?;
        }
        self.sender.close().map_err(|why| CliError::failed("close the WebSocket", why))
    }
}
