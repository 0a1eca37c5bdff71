//! One track, from inside its producer: frames when they are due, and an account of what became of them.

use std::time::{Duration, Instant};

use frame_ring::{
    Body, ClaimError, Descriptor, Picture, Producer, SendError, Sent, Sound, Track, TrackInfo, TrackKind,
    TrackSource,
};

use super::formats::{self, Formats};
use super::random::Random;
use super::stamp::{Origin, Pattern, Stamp};
use super::wire::TrackEnd;
use crate::error::CliError;

/// Who is later than this leaves frames out, like a camera does, instead of making up for them.
const LATE: Duration = Duration::from_millis(250);

/// What all tracks of a producer process share.
#[derive(Debug)]
pub struct Studio {
    /// The connection.
    pub producer: Producer,
    /// What frames are made of.
    pub pattern: Pattern,
    /// Chance.
    pub random: Random,
    /// The number of this process.
    pub launch: u32,
    /// Frames made so far.
    pub serial: u64,
}

/// A track that is fed.
#[derive(Debug)]
pub struct Feed {
    track: Track,
    origin: Origin,
    formats: Formats,
    due: Instant,
    count: TrackEnd,
}

impl Feed {
    /// Opens a participant's track.
    pub fn open(
        studio: &mut Studio,
        participant: u16,
        part: u8,
        incarnation: u32,
        now: Instant,
    ) -> Result<Self, CliError> {
        let (kind, source, name) = match part {
            0 => (TrackKind::Video, TrackSource::Camera, "camera"),
            1 => (TrackKind::Audio, TrackSource::Microphone, "microphone"),
            _ => (TrackKind::Audio, TrackSource::Tab, "tab"),
        };
        let info = TrackInfo {
            source_id: participant.into(),
            ..TrackInfo::new(kind, source, &format!("{participant} {name}"))
        };
        let track = studio.producer.track(&info).map_err(|why| CliError::failed("open a track", why))?;
        let origin = Origin { launch: studio.launch, participant, part, incarnation, track: track.id() };
        let formats = Formats::new(part.into(), now, &mut studio.random);
        let count = TrackEnd { track: track.id(), ..TrackEnd::default() };
        // Pictures of different participants are not all due at the same moment; sound is.
        let phase = if part == 0 { studio.random.ms(0, 33) } else { Duration::ZERO };
        Ok(Self { track, origin, formats, due: now + phase, count })
    }

    /// When the next frame is due.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Sends the frame that is due. The next one is due `times` as soon as usual.
    pub fn send(&mut self, studio: &mut Studio, now: Instant, times: u32) -> Result<(), CliError> {
        let demand = self.track.demand();
        let body = self.formats.now(now, &demand, &mut studio.random);
        let body = body.map_err(|why| CliError::failed("describe a frame", why))?;
        let Studio { pattern, serial, .. } = studio;
        let stamp = Stamp {
            origin: self.origin,
            offered: self.count.offered,
            unwanted: self.count.unwanted,
            serial: *serial,
            len: payload_len(&body) as u32,
        };
        *serial += 1;
        let sent = pattern.frame(&stamp, |bytes| send(&mut self.track, &body, bytes, stamp.origin));
        let step = formats::interval(self.origin.part.into()) / times;
        self.due = if now > self.due + LATE { now + step } else { self.due + step };
        note(&mut self.count, sent, stamp.len)
    }

    /// Ends the track.
    pub fn end(self) -> Result<TrackEnd, CliError> {
        let Self { track, mut count, .. } = self;
        // Its last record is a frame like any other.
        note(&mut count, track.finish().map(|()| Sent::Committed), 0)?;
        Ok(count)
    }
}

fn note(count: &mut TrackEnd, sent: Result<Sent, SendError>, len: u32) -> Result<(), CliError> {
    count.offered += 1;
    match sent {
        Ok(Sent::Committed) => {
            count.sent += 1;
            count.sent_bytes += u64::from(len);
            count.untold = 0;
        }
        Ok(Sent::Unwanted) => count.unwanted += 1,
        Err(SendError::Claim(ClaimError::Full(_))) => {
            count.dropped += 1;
            count.untold += 1;
        }
        Err(why) => return Err(CliError::failed("send a frame", why)),
    }
    Ok(())
}

fn payload_len(body: &Body) -> u64 {
    match body {
        Body::Video(format) => format.payload_len(),
        Body::Audio(format) => format.payload_len(),
        _ => 0,
    }
}

fn send(track: &mut Track, body: &Body, bytes: &[u8], origin: Origin) -> Result<Sent, SendError> {
    let about = Descriptor {
        source: origin.participant.into(),
        mono_ns: frame_ring::mono_ns(),
        ..Descriptor::new(*body)
    };
    match body {
        Body::Video(format) => {
            let plane = |plane: usize| {
                let place = format.planes[plane];
                (&bytes[place.offset as usize..], place.stride as usize)
            };
            let planes = [plane(0), plane(1), plane(2)];
            track.send_video(&Picture { format: *format, planes: &planes }, &about)
        }
        Body::Audio(format) => track.send_audio(&Sound { format: *format, planes: &[bytes] }, &about),
        _ => track.send_bytes(bytes, &about),
    }
}
