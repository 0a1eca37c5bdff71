//! Pictures: from a stream of `VideoFrame`s to entries, with one copy. One frame at a time is held of each track, and closed.

import { nowNs } from './clock';
import { planCopy, videoBody } from './format';
import { DESCRIPTOR, Extension, RECORD, What, putDescriptor, putRecord } from './record';
import type { Session } from './session';
import { type Track, frameOf } from './track';

/** Copies and sends a frame if it is wanted and there is room; whether it went out. Does not close it. */
export async function sendVideo(session: Session, track: Track, frame: VideoFrame): Promise<boolean> {
  const ptsNs = frame.timestamp * 1e3;
  const monoNs = track.clock.map(ptsNs, nowNs());
  if (!track.wants(monoNs)) return false;
  const plan = planCopy(frame);
  const bytes = plan && frame.allocationSize(plan.options);
  if (!plan || !bytes || !session.room(RECORD + bytes, 'picture')) {
    track.drop();
    return false;
  }
  const slab = session.outbox.pool.take(RECORD + bytes);
  try {
    const planes = await frame.copyTo(slab.bytes.subarray(RECORD, RECORD + bytes), plan.options);
    const body = videoBody(frame, plan, planes);
    track.last = body;
    putRecord(slab.view, 0, What.frame, RECORD + bytes);
    putDescriptor(slab.view, DESCRIPTOR, {
      ...frameOf(track, ptsNs, monoNs, bytes),
      durationNs: Math.min((frame.duration ?? 0) * 1e3, 0xffff_ffff),
      body,
      extensions: extensions(frame),
    });
  } catch {
    // A texture that cannot be read back, or a frame that was closed under us.
    session.outbox.pool.give(slab);
    track.drop();
    return false;
  }
  return session.outbox.send({ slab, at: 0, bytes: RECORD + bytes, share: 'picture', track, format: JSON.stringify(track.last) });
}

interface Metadata {
  rtpTimestamp?: number;
  /** Milliseconds since the worker's time origin. */
  captureTime?: number;
  receiveTime?: number;
}

// Not in every browser, and newer than the types of TypeScript.
function extensions(frame: VideoFrame & { metadata?: () => Metadata }): { type: number; data: number }[] {
  const { rtpTimestamp, captureTime, receiveTime } = frame.metadata?.() ?? {};
  const list: { type: number; data: number }[] = [];
  if (rtpTimestamp !== undefined) list.push({ type: Extension.rtpTimestamp, data: rtpTimestamp >>> 0 });
  if (captureTime !== undefined && captureTime >= 0) {
    list.push({ type: Extension.captureStart, data: Math.round(captureTime * 1e6) });
  }
  if (receiveTime !== undefined && receiveTime >= 0) {
    list.push({ type: Extension.arrival, data: Math.round(receiveTime * 1e6) });
  }
  return list;
}
