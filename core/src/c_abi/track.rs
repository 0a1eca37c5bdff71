//! Tracks: numbers, drops, demand.

use core::ffi::c_char;

use super::descriptor::frame_ring_descriptor;
use super::grant::{frame_ring_grant, frame_ring_wake};
use super::handle::{frame_ring_core, Attached};
use super::status::*;
use super::{exclusive, shared};
use crate::series::Series;
use crate::text::Text;
use crate::tracks::{self, TrackInfo, TrackKind, TrackSource};

/// What a producer says of a track. Zero it before you fill it.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct frame_ring_track_info {
    /// `sizeof(struct frame_ring_track_info)`.
    pub size: u32,
    /// 0 data, 1 video, 2 audio.
    pub kind: u32,
    /// 0 not said, 1 camera, 2 screen, 3 microphone, 4 mixed, 5 tab.
    pub source: u32,
    /// Who is in it now.
    pub source_id: u32,
    /// Name for people, UTF-8, filled up with zeros.
    pub label: [c_char; 56],
    /// The meeting platform's id of the participant.
    pub participant: [c_char; 40],
}

/// What the consumer wants of a track.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct frame_ring_demand {
    /// 1 if it wants a frame at the time that was asked for; 0: do not capture, do not copy.
    pub wanted: u32,
    /// Greatest width it has a use for; 0 any.
    pub max_width: u16,
    /// Greatest height.
    pub max_height: u16,
    /// Greatest rate, in frames per 1000 seconds; 0 any.
    pub max_fps_milli: u32,
}

/// A track of a producer. It lies in memory of the caller's; one thread at a time uses it.
#[allow(non_camel_case_types)]
#[derive(Debug)]
#[repr(C)]
pub struct frame_ring_track {
    opaque: [u64; 24],
}

/// What an open track holds.
#[repr(C)]
struct Open {
    magic: u64,
    series: Series,
}

/// Tells an open track from forgotten memory.
const OPEN: u64 = u64::from_le_bytes(*b"a track.");

const _: () = assert!(size_of::<Open>() <= size_of::<frame_ring_track>());
const _: () = assert!(align_of::<Open>() <= align_of::<frame_ring_track>());

impl frame_ring_track {
    fn series(&mut self) -> Result<&mut Series, frame_ring_status> {
        if self.opaque[0] != OPEN {
            return Err(FRAME_RING_STALE_TRACK);
        }
        // SAFETY: the magic is written by `open` alone, together with the rest of an `Open`, which it begins.
        Ok(unsafe { &mut (*core::ptr::from_mut(self).cast::<Open>()).series })
    }
}

impl frame_ring_track_info {
    fn read(&self) -> Result<TrackInfo, frame_ring_status> {
        if self.size as usize != size_of::<Self>() {
            return Err(FRAME_RING_BAD_SIZE);
        }
        Ok(TrackInfo {
            kind: match self.kind {
                0 => TrackKind::Data,
                1 => TrackKind::Video,
                2 => TrackKind::Audio,
                _ => return Err(FRAME_RING_BAD_ARGUMENT),
            },
            source: match self.source {
                0 => TrackSource::Unknown,
                1 => TrackSource::Camera,
                2 => TrackSource::Screen,
                3 => TrackSource::Microphone,
                4 => TrackSource::Mixed,
                5 => TrackSource::Tab,
                _ => return Err(FRAME_RING_BAD_ARGUMENT),
            },
            source_id: self.source_id,
            label: Text::from_bytes(&self.label.map(|c| c as u8)),
            participant: Text::from_bytes(&self.participant.map(|c| c as u8)),
        })
    }
}

/// Opens a track.
///
/// # Safety
/// Every pointer is null or points to what its type says; nobody else uses the track.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_track_open(
    core: *const frame_ring_core,
    info: *const frame_ring_track_info,
    track: *mut frame_ring_track,
) -> frame_ring_status {
    // SAFETY: the caller's promise. The track may be uninitialised: it is plain numbers, written before it is read.
    let (core, info, track) = unsafe { (Attached::of(core), shared(info), exclusive(track)) };
    let (Some(info), Some(track)) = (info, track) else { return FRAME_RING_BAD_ARGUMENT };
    track.opaque[0] = 0;
    status(core.and_then(|core| {
        let id = tracks::open(core.port.region(), core.port.owner(), &info.read()?)?;
        let open = Open { magic: OPEN, series: Series::new(id) };
        // SAFETY: the track is exclusively ours, and large and aligned enough, as asserted above.
        unsafe { core::ptr::from_mut(track).cast::<Open>().write(open) };
        Ok(())
    }))
}

/// The track's id, as in the descriptors of its frames; 0 if it is not open.
///
/// # Safety
/// `track` is null or points to a track that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_track_id(track: *mut frame_ring_track) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { exclusive(track) }.and_then(|track| track.series().ok()).map_or(0, |series| series.id())
}

/// Replaces what is said of the track: another person in it, another name.
///
/// # Safety
/// As for `frame_ring_core_track_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_track_set_info(
    core: *const frame_ring_core,
    track: *mut frame_ring_track,
    info: *const frame_ring_track_info,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let (core, info, track) = unsafe { (Attached::of(core), shared(info), exclusive(track)) };
    let (Some(info), Some(track)) = (info, track) else { return FRAME_RING_BAD_ARGUMENT };
    status(core.and_then(|core| {
        let (info, id) = (info.read()?, track.series()?.id());
        tracks::find(core.port.region(), id).ok_or(FRAME_RING_CORRUPT)?.write_info(&info);
        Ok(())
    }))
}

/// Asks what the consumer wants at `now_ns` (`CLOCK_MONOTONIC`): before anything is captured or copied. What is not wanted
/// is to be told to `frame_ring_core_track_unwanted`.
///
/// # Safety
/// Every pointer is null or points to what its type says; nobody else uses the track and `demand`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_track_demand(
    core: *const frame_ring_core,
    track: *mut frame_ring_track,
    now_ns: u64,
    demand: *mut frame_ring_demand,
) -> frame_ring_status {
    // SAFETY: the caller's promise. The demand may be uninitialised: it is plain numbers, and only written.
    let (core, track, demand) = unsafe { (Attached::of(core), exclusive(track), exclusive(demand)) };
    let (Some(track), Some(demand)) = (track, demand) else { return FRAME_RING_BAD_ARGUMENT };
    status(core.and_then(|core| {
        let (region, series) = (core.port.region(), track.series()?);
        let wants = series.demand(region);
        *demand = frame_ring_demand {
            wanted: series.wants_at(region, now_ns).into(),
            max_width: wants.max_size.0,
            max_height: wants.max_size.1,
            max_fps_milli: wants.max_fps_milli,
        };
        Ok(())
    }))
}

/// Commits a grant as the next frame of a track: like `frame_ring_core_commit`, with track, sequence, drops, changes of the
/// format and, if it is zero, `mono_ns` filled in. After a failure the frame counts as dropped.
///
/// # Safety
/// As for `frame_ring_core_commit`; nobody else uses the track.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_track_commit(
    core: *const frame_ring_core,
    track: *mut frame_ring_track,
    grant: *mut frame_ring_grant,
    len: u64,
    descriptor: *const frame_ring_descriptor,
    now_ns: u64,
    wake: *mut frame_ring_wake,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let (core, track, grant) = unsafe { (Attached::of(core), exclusive(track), exclusive(grant)) };
    // SAFETY: the caller's promise.
    let (descriptor, wake) = unsafe { (shared(descriptor), exclusive(wake)) };
    let (Some(track), Some(grant), Some(descriptor), Some(wake)) = (track, grant, descriptor, wake) else {
        return FRAME_RING_BAD_ARGUMENT;
    };
    *wake = frame_ring_wake::FRAME_RING_WAKE_NOBODY;
    status(core.and_then(|core| {
        let series = track.series()?;
        let template = descriptor.read()?;
        let mut described = series.describe(&template, template.body, now_ns);
        match core.commit(grant, len, &mut described) {
            Ok(whom) => {
                *wake = whom;
                series.count_sent(core.port.region(), &template.body, len, now_ns);
                Ok(())
            }
            Err(why) => {
                series.count_dropped(core.port.region());
                Err(why)
            }
        }
    }))
}

/// Counts a frame that was dropped because its claim was refused, or for a reason of the caller's; the next frame of
/// the track tells of it.
///
/// # Safety
/// Every pointer is null or points to what its type says; nobody else uses the track.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_track_dropped(
    core: *const frame_ring_core,
    track: *mut frame_ring_track,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    unsafe { count(core, track, Series::count_dropped) }
}

/// Counts a frame that was not captured because nobody wants it.
///
/// # Safety
/// As for `frame_ring_core_track_dropped`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_track_unwanted(
    core: *const frame_ring_core,
    track: *mut frame_ring_track,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let counted = unsafe { count(core, track, Series::count_unwanted) };
    // SAFETY: the caller's promise.
    if let (FRAME_RING_OK, Ok(core)) = (counted, unsafe { Attached::of(core) }) {
        core.port.entry().unwanted.fetch_add(1, crate::sync::Ordering::Relaxed);
    }
    counted
}

/// # Safety
/// As for `frame_ring_core_track_dropped`.
unsafe fn count(
    core: *const frame_ring_core,
    track: *mut frame_ring_track,
    count: fn(&mut Series, &crate::region::Region),
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let (core, track) = unsafe { (Attached::of(core), exclusive(track)) };
    let Some(track) = track else { return FRAME_RING_BAD_ARGUMENT };
    status(core.and_then(|core| {
        count(track.series()?, core.port.region());
        Ok(())
    }))
}

/// Ends a track: its entry may be used again.
///
/// # Safety
/// As for `frame_ring_core_track_dropped`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_track_close(
    core: *const frame_ring_core,
    track: *mut frame_ring_track,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let (core, track) = unsafe { (Attached::of(core), exclusive(track)) };
    let Some(track) = track else { return FRAME_RING_BAD_ARGUMENT };
    status(core.and_then(|core| {
        let id = track.series()?.id();
        track.opaque[0] = 0;
        if let Some(entry) = tracks::find(core.port.region(), id) {
            entry.end();
        }
        Ok(())
    }))
}
