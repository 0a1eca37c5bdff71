//! Sound: from a stream of `AudioData` to entries, as planar 32-bit float. Blocks wait a little, to share a write.

import { nowNs } from './clock';
import { type AudioBody, DESCRIPTOR, RECORD, What, audioBytes, putDescriptor } from './record';
import type { Session } from './session';
import { type Track, frameOf } from './track';

const F32 = 4;

/** Copies a block if it is wanted and there is room; whether it is going out. Does not close it. */
export function sendAudio(session: Session, track: Track, block: AudioData, sent?: (sent: boolean) => void): boolean {
  const { numberOfChannels: channels, numberOfFrames: frames, sampleRate } = block;
  const ptsNs = block.timestamp * 1e3;
  const monoNs = track.clock.map(ptsNs, nowNs());
  const position = track.advance(frames);
  if (!track.wants(monoNs)) return false;
  const bytes = audioBytes(channels, frames);
  if (!session.room(RECORD + bytes, 'sound')) {
    track.drop();
    return false;
  }
  const body: AudioBody = { kind: 'audio', channels, rate: Math.round(sampleRate), frames, planeStride: frames * F32, position };
  track.last = body;
  const entry = session.outbox.push(What.frame, bytes, 'sound', track, ({ slab, at }) => {
    for (let planeIndex = 0; planeIndex < channels; planeIndex++) {
      const from = at + RECORD + planeIndex * body.planeStride;
      block.copyTo(slab.bytes.subarray(from, from + body.planeStride), { planeIndex, format: 'f32-planar' });
    }
    putDescriptor(slab.view, at + DESCRIPTOR, {
      ...frameOf(track, ptsNs, monoNs, bytes),
      durationNs: Math.min(Math.round((frames * 1e9) / sampleRate), 0xffff_ffff),
      body,
    });
  });
  entry.format = `${channels} ${body.rate}`;
  if (sent) entry.sent = sent;
  return true;
}
