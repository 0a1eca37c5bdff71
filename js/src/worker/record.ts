//! The bytes of an entry's record and of frame descriptors, as in docs/abi.md and docs/descriptor.md. Owns no buffer and
//! no counter.

import type { TrackInfo, TrackKind, TrackSource } from '../messages';

/** Bytes of a record, and so where an entry's payload begins. */
export const RECORD = 256;
/** Where a frame's descriptor begins in its record. */
export const DESCRIPTOR = 64;
/** Bytes of what entries of the kinds `track` and `counters` carry. */
export const TRACK_BYTES = 120;
export const COUNTERS_BYTES = 40;
/** The longest note. */
export const NOTE_BYTES = 1024;

/** What an entry is. */
export const What = { frame: 0, track: 1, counters: 2, time: 3, note: 4 } as const;

/** Flags of a frame. */
export const Flag = { discont: 1, gap: 2, eos: 8, formatChanged: 16, estimatedTs: 128 } as const;

/** Types of extensions. */
export const Extension = { rtpTimestamp: 1, captureStart: 2, arrival: 4 } as const;

export interface Plane {
  offset: number;
  stride: number;
}

export interface VideoBody {
  kind: 'video';
  /** Four characters. */
  fourcc: string;
  fpsMilli?: number;
  coded: readonly [width: number, height: number];
  /** The visible part of it. */
  visible: readonly [x: number, y: number, width: number, height: number];
  display: readonly [width: number, height: number];
  transform: number;
  depth: number;
  range: number;
  primaries: number;
  transfer: number;
  matrix: number;
  planes: readonly Plane[];
}

/** Planar 32-bit float, the only layout this library sends. */
export interface AudioBody {
  kind: 'audio';
  channels: number;
  rate: number;
  frames: number;
  planeStride: number;
  position: number;
}

export type Body =
  | VideoBody
  | AudioBody
  | { kind: 'opaque' }
  | { kind: 'event'; code: number; subject: number; arg: number | bigint };

export interface Descriptor {
  flags: number;
  track: number;
  source: number;
  sequence: number | bigint;
  ptsNs: number | undefined;
  monoNs: number | bigint;
  durationNs: number;
  payloadLen: number;
  droppedBefore: number;
  body: Body;
  /** By type: a number of 32 or 64 bits as the type has it, or bytes. */
  extensions?: readonly { type: number; data: number | Uint8Array }[];
}

const KIND = { video: 1, audio: 2, opaque: 5, event: 6 } as const;
const BODY_BYTES = { video: 64, audio: 32, opaque: 0, event: 16 } as const;
const TRACK_KIND: Record<TrackKind, number> = { data: 0, video: 1, audio: 2 };
const TRACK_SOURCE: Record<TrackSource, number> = { unknown: 0, camera: 1, screen: 2, microphone: 3, mixed: 4, tab: 5 };
const F32 = 4;

/** Writes a 64-bit number, signed if it is negative. */
export function setU64(view: DataView, at: number, value: number | bigint): void {
  if (typeof value === 'bigint') {
    view.setBigInt64(at, BigInt.asIntN(64, value), true);
    return;
  }
  const high = Math.floor(value / 0x1_0000_0000);
  view.setUint32(at, value - high * 0x1_0000_0000, true);
  view.setUint32(at + 4, high >>> 0, true);
}

/** Begins the record at `at`: zeros, the length of its entry and what it is. When it was posted is stamped later. */
export function putRecord(view: DataView, at: number, what: number, bytes: number): void {
  new Uint8Array(view.buffer, view.byteOffset + at, RECORD).fill(0);
  view.setUint32(at, bytes, true);
  view.setUint16(at + 4, what, true);
}

/** When the record at `at` was posted. */
export function stampSent(view: DataView, at: number, nowNs: number): void {
  setU64(view, at + 8, nowNs);
}

/** What only its turn tells of the frame in the record at `at`. */
export function stampFrame(view: DataView, at: number, sequence: number, droppedBefore: number, flags: number): void {
  const base = at + DESCRIPTOR;
  view.setUint32(base + 4, view.getUint32(base + 4, true) | flags, true);
  setU64(view, base + 16, sequence);
  view.setUint32(base + 48, droppedBefore, true);
}

/** `dropped_before` of the frame in the record at `at`. */
export function droppedBefore(view: DataView, at: number): number {
  return view.getUint32(at + DESCRIPTOR + 48, true);
}

/** Writes a descriptor to zeroed bytes at `at`; gives its length. */
export function putDescriptor(view: DataView, at: number, d: Descriptor): number {
  const extensionsAt = at + 64 + BODY_BYTES[d.body.kind];
  const end = putExtensions(view, extensionsAt, d.extensions ?? []);
  view.setUint16(at, end - at, true);
  view.setUint8(at + 2, 1);
  view.setUint8(at + 3, KIND[d.body.kind]);
  view.setUint32(at + 4, d.flags, true);
  view.setUint32(at + 8, d.track, true);
  view.setUint32(at + 12, d.source, true);
  setU64(view, at + 16, d.sequence);
  if (d.ptsNs === undefined) view.setUint32(at + 28, 0x8000_0000, true);
  else setU64(view, at + 24, d.ptsNs);
  setU64(view, at + 32, d.monoNs);
  view.setUint32(at + 40, d.durationNs, true);
  view.setUint32(at + 44, d.payloadLen, true);
  view.setUint32(at + 48, d.droppedBefore, true);
  putBody(view, at + 64, d.body);
  return end - at;
}

function putBody(view: DataView, at: number, body: Body): void {
  switch (body.kind) {
    case 'video':
      return putVideo(view, at, body);
    case 'audio':
      view.setUint8(at, 4);
      view.setUint8(at + 1, 1);
      view.setUint16(at + 2, body.channels, true);
      view.setUint32(at + 4, body.rate, true);
      view.setUint32(at + 8, body.frames, true);
      view.setUint32(at + 12, body.planeStride, true);
      setU64(view, at + 24, body.position);
      return;
    case 'event':
      view.setUint32(at, body.code, true);
      view.setUint32(at + 4, body.subject, true);
      setU64(view, at + 8, body.arg);
      return;
    case 'opaque':
      return;
  }
}

function putVideo(view: DataView, at: number, v: VideoBody): void {
  for (let i = 0; i < 4; i++) view.setUint8(at + i, v.fourcc.charCodeAt(i));
  view.setUint32(at + 4, v.fpsMilli ?? 0, true);
  [...v.coded, ...v.visible, ...v.display].forEach((n, i) => view.setUint16(at + 8 + 2 * i, n, true));
  const bytes = [v.transform, v.planes.length, v.depth, v.range, v.primaries, v.transfer, v.matrix];
  bytes.forEach((n, i) => view.setUint8(at + 24 + i, n));
  v.planes.forEach((plane, i) => {
    view.setUint32(at + 32 + 8 * i, plane.offset, true);
    view.setUint32(at + 36 + 8 * i, plane.stride, true);
  });
}

function putExtensions(view: DataView, at: number, list: readonly { type: number; data: number | Uint8Array }[]): number {
  for (const { type, data } of list) {
    const n = typeof data !== 'number' ? data.length : type === Extension.rtpTimestamp ? 4 : 8;
    view.setUint16(at, type, true);
    view.setUint16(at + 2, n, true);
    if (typeof data !== 'number') new Uint8Array(view.buffer, view.byteOffset + at + 4, n).set(data);
    else if (n === 4) view.setUint32(at + 4, data, true);
    else setU64(view, at + 4, data);
    at += (4 + n + 7) & ~7;
  }
  return at;
}

/** Writes what an entry of the kind `track` carries to zeroed bytes. */
export function putTrack(view: DataView, at: number, number: number, ended: boolean, info: TrackInfo): void {
  view.setUint32(at, number, true);
  view.setUint32(at + 4, ended ? 2 : 1, true);
  view.setUint32(at + 8, TRACK_KIND[info.kind], true);
  view.setUint32(at + 12, TRACK_SOURCE[info.source], true);
  view.setUint32(at + 16, info.sourceId, true);
  putText(view, at + 24, 56, info.label);
  putText(view, at + 80, 40, info.participant);
}

/** Writes what an entry of the kind `counters` carries to zeroed bytes. */
export function putCounters(view: DataView, at: number, number: number, counters: readonly number[]): void {
  view.setUint32(at, number, true);
  counters.forEach((n, i) => setU64(view, at + 8 + 8 * i, n));
}

/** `text` as UTF-8 in at most `bytes` bytes, cut between characters. */
export function putText(view: DataView, at: number, bytes: number, text: string): number {
  const into = new Uint8Array(view.buffer, view.byteOffset + at, bytes);
  return new TextEncoder().encodeInto(text, into).written;
}

/** Bytes of a block of planar 32-bit float. */
export function audioBytes(channels: number, frames: number): number {
  return channels * frames * F32;
}
