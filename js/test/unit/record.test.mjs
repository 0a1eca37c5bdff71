// The bytes of records and descriptors.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readDescriptor, readEntry } from '../read.mjs';
import { load } from './load.mjs';

const record = await load('worker/record.ts');

/** The bytes of the example in docs/descriptor.md. */
function example() {
  const text = readFileSync(new URL('../../../docs/descriptor.md', import.meta.url), 'utf8');
  const [, block] = /## An example[\s\S]*?```text\n([\s\S]*?)```/.exec(text);
  return Buffer.from(block.split('\n').filter(Boolean).flatMap((line) => line.slice(5, 28).split(' ')).map((hex) => parseInt(hex, 16)));
}

const EXAMPLE = {
  flags: record.Flag.discont | record.Flag.estimatedTs,
  track: 0x01020304,
  source: 0x11121314,
  sequence: 0x2122232425262728n,
  ptsNs: -2,
  monoNs: 0x3132333435363738n,
  durationNs: 33333333,
  payloadLen: 390913,
  droppedBefore: 9,
  body: {
    kind: 'video',
    fourcc: 'YU12',
    fpsMilli: 29970,
    coded: [641, 359],
    visible: [1, 2, 640, 357],
    display: [357, 640],
    transform: 5,
    depth: 8,
    range: 2,
    primaries: 1,
    transfer: 13,
    matrix: 0,
    planes: [{ offset: 0, stride: 704 }, { offset: 252736, stride: 384 }, { offset: 321856, stride: 384 }],
  },
  extensions: [
    { type: record.Extension.rtpTimestamp, data: 0x61626364 },
    { type: 0x4000, data: new TextEncoder().encode('frame') },
  ],
};

function bytesOf(descriptor, at = 64) {
  const bytes = Buffer.alloc(512);
  const length = record.putDescriptor(new DataView(bytes.buffer, bytes.byteOffset), at, descriptor);
  return bytes.subarray(at, at + length);
}

test('the example of docs/descriptor.md', () => {
  const wanted = example();
  assert.equal(wanted.length, 152);
  assert.deepEqual(bytesOf(EXAMPLE), wanted);
});

test('numbers of 64 bits, signed and not', () => {
  const bytes = Buffer.alloc(8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  for (const n of [0, 1, -1, -2, 2 ** 32, 2 ** 32 - 1, -(2 ** 32), -(2 ** 32) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
    record.setU64(view, 0, n);
    assert.equal(bytes.readBigInt64LE(0), BigInt(n));
  }
});

test('sound, events and opaque frames are read as they were written', () => {
  const common = { flags: 0, track: 7, source: 8, sequence: 9, ptsNs: 10, monoNs: 11, durationNs: 12, payloadLen: 7680, droppedBefore: 0 };
  const sound = { kind: 'audio', channels: 2, rate: 48000, frames: 960, planeStride: 3840, position: 2 ** 40 };
  const read = readDescriptor(bytesOf({ ...common, body: sound }), 7680);
  assert.deepEqual([read.track, read.sourceId, read.sequence, read.pts, read.mono, read.duration], [7, 8, 9, 10, 11, 12]);
  assert.deepEqual([read.channels, read.rate, read.frames, read.stride, read.position], [2, 48000, 960, 3840, 2 ** 40]);
  const event = readDescriptor(bytesOf({ ...common, ptsNs: undefined, payloadLen: 0, body: { kind: 'event', code: 1, subject: 2, arg: 3n } }), 0);
  assert.deepEqual([event.kind, event.pts, event.code, event.subject, event.arg], ['event', undefined, 1, 2, 3]);
  assert.equal(bytesOf({ ...common, body: { kind: 'opaque' } }).length, 64);
});

test('what is stamped when a frame goes out', () => {
  const bytes = Buffer.alloc(512);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  record.putRecord(view, 64, record.What.frame, 256);
  record.putDescriptor(view, 128, { ...EXAMPLE, payloadLen: 0, body: { kind: 'opaque' } });
  record.stampSent(view, 64, 12345);
  record.stampFrame(view, 64, 77, 5, record.Flag.formatChanged);
  const read = readEntry(bytes.subarray(64));
  assert.deepEqual([read.sent, read.sequence, read.droppedBefore], [12345, 77, 5]);
  assert.equal(read.flags, EXAMPLE.flags | record.Flag.formatChanged);
  assert.equal(record.droppedBefore(view, 64), 5);
});

test('tracks and counters; text is cut between characters', () => {
  const bytes = Buffer.alloc(512);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const info = { kind: 'audio', source: 'tab', sourceId: 3, label: 'x'.repeat(55) + 'é', participant: 'ä'.repeat(30) };
  record.putRecord(view, 0, record.What.track, 376);
  record.putTrack(view, 256, 128, true, info);
  const read = readEntry(bytes);
  assert.deepEqual([read.number, read.state, read.kind, read.source, read.sourceId], [128, 'ended', 'audio', 5, 3]);
  assert.deepEqual([read.label, read.participant], ['x'.repeat(55), 'ä'.repeat(20)]);
  record.putRecord(view, 0, record.What.counters, 296);
  bytes.fill(0, 256);
  record.putCounters(view, 256, 4, [1, 2, 3, 2 ** 33]);
  const counters = readEntry(bytes);
  assert.deepEqual([counters.number, counters.frames, counters.counted, counters.dropped, counters.unwanted], [4, 1, 2, 3, 2 ** 33]);
});
