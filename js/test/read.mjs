// Reads entries and descriptors by docs/abi.md and docs/descriptor.md alone: nothing here comes out of js/src.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
/** The page's sources: the same bytes again. */
export const { pattern, sample } = require('./browser/helpers.cjs');

const WHAT = ['frame', 'track', 'counters', 'time', 'note'];
const KINDS = { 1: 'video', 2: 'audio', 5: 'opaque', 6: 'event' };
const BODY = { video: 64, audio: 32, opaque: 0, event: 16 };
export const FLAG = { discont: 1, gap: 2, eos: 8, formatChanged: 16, estimatedTs: 128 };

const u64 = (b, at) => Number(b.readBigUInt64LE(at));
const text = (b) => b.toString('utf8', 0, b.indexOf(0) < 0 ? b.length : b.indexOf(0));

/** An entry that begins at the start of `b`, a Buffer. Throws if anything is against the text. */
export function readEntry(b) {
  const bytes = b.readUInt32LE(0);
  check(bytes >= 256 && bytes <= b.length, `entry of ${bytes} bytes where there are ${b.length}`);
  const what = WHAT[b.readUInt16LE(4)];
  check(what !== undefined && b.readUInt16LE(6) === 0, 'unknown entry');
  check(b.subarray(16, 64).every((byte) => byte === 0), 'reserved bytes of the record');
  const payload = Buffer.from(b.subarray(256, bytes));
  const entry = { what, bytes, sent: u64(b, 8), payload };
  if (what === 'frame') return { ...entry, ...readDescriptor(b.subarray(64, 256), payload.length) };
  if (what === 'track') {
    check(payload.length === 120, 'length of a track entry');
    return {
      ...entry,
      number: payload.readUInt32LE(0),
      state: [, 'open', 'ended'][payload.readUInt32LE(4)],
      kind: ['data', 'video', 'audio'][payload.readUInt32LE(8)],
      source: payload.readUInt32LE(12),
      sourceId: payload.readUInt32LE(16),
      label: text(payload.subarray(24, 80)),
      participant: text(payload.subarray(80, 120)),
    };
  }
  if (what === 'counters') {
    check(payload.length === 40, 'length of a counters entry');
    const [frames, counted, dropped, unwanted] = [8, 16, 24, 32].map((at) => u64(payload, at));
    return { ...entry, number: payload.readUInt32LE(0), frames, counted, dropped, unwanted };
  }
  if (what === 'note') return { ...entry, text: payload.toString('utf8') };
  return entry;
}

export function readDescriptor(b, payloadLength) {
  const length = b.readUInt16LE(0);
  const kind = KINDS[b[3]];
  check(b[2] === 1 && kind !== undefined, 'version or kind of a descriptor');
  check(length % 8 === 0 && length >= 64 + BODY[kind] && length <= 128 + BODY[kind], `descriptor of ${length} bytes`);
  check(b.readUInt32LE(44) === payloadLength, 'payload_len');
  const pts = b.readBigInt64LE(24);
  return {
    kind,
    flags: b.readUInt32LE(4),
    track: b.readUInt32LE(8),
    sourceId: b.readUInt32LE(12),
    sequence: u64(b, 16),
    pts: pts === -(2n ** 63n) ? undefined : Number(pts),
    mono: u64(b, 32),
    duration: b.readUInt32LE(40),
    droppedBefore: b.readUInt32LE(48),
    ...readBody(kind, b, payloadLength),
    extensions: readExtensions(b.subarray(64 + BODY[kind], length)),
  };
}

function readBody(kind, b, payloadLength) {
  if (kind === 'event') return { code: b.readUInt32LE(64), subject: b.readUInt32LE(68), arg: u64(b, 72) };
  if (kind === 'audio') {
    const [channels, rate, frames, stride] = [b.readUInt16LE(66), b.readUInt32LE(68), b.readUInt32LE(72), b.readUInt32LE(76)];
    check(b[64] === 4 && b[65] === 1 && channels > 0 && rate > 0, 'audio format');
    check(stride >= frames * 4 && (frames === 0 || stride * (channels - 1) + frames * 4 <= payloadLength), 'audio planes');
    return { channels, rate, frames, stride, position: u64(b, 88) };
  }
  if (kind !== 'video') return {};
  const sizes = Array.from({ length: 8 }, (_, i) => b.readUInt16LE(72 + 2 * i));
  return {
    fourcc: b.toString('latin1', 64, 68),
    coded: sizes.slice(0, 2),
    visible: sizes.slice(2, 6),
    display: sizes.slice(6, 8),
    transform: b[88],
    depth: b[90],
    colour: [b[91], b[92], b[93], b[94]],
    planes: Array.from({ length: b[89] }, (_, i) => [b.readUInt32LE(96 + 8 * i), b.readUInt32LE(100 + 8 * i)]),
  };
}

function readExtensions(b) {
  const found = {};
  for (let at = 0; at < b.length; ) {
    const [type, n] = [b.readUInt16LE(at), b.readUInt16LE(at + 2)];
    check(at + 4 + n <= b.length, 'extension');
    found[type] = n === 4 ? b.readUInt32LE(at + 4) : n === 8 ? u64(b, at + 4) : b.subarray(at + 4, at + 4 + n);
    at += (4 + n + 7) & ~7;
  }
  return found;
}

function check(holds, what) {
  if (!holds) throw new Error(`against the text: ${what}`);
}
