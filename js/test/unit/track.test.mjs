// Numbers, drops, demand and time of a track.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';
import { FLAG, readEntry } from '../read.mjs';

const { MediaClock } = await load('worker/clock.ts');
const { Track, frameOf } = await load('worker/track.ts');
const record = await load('worker/record.ts');

const info = { kind: 'data', source: 'unknown', sourceId: 0, label: '', participant: '' };
const MS = 1e6;

function send(track, format) {
  const bytes = Buffer.alloc(320);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  record.putRecord(view, 0, 0, 256);
  record.putDescriptor(view, 64, { ...frameOf(track, 0, 0, 0), body: { kind: 'opaque' } });
  track.send(view, 0, 0, format);
  return { view, ...readEntry(bytes) };
}

test('drops are counted, numbered and told', () => {
  const track = new Track(1, info);
  assert.deepEqual([send(track).flags, send(track).flags], [FLAG.discont, 0]);
  track.drop();
  track.drop();
  const after = send(track);
  assert.deepEqual([after.sequence, after.droppedBefore, after.flags], [4, 2, FLAG.discont]);
  track.unsend(after.view, 0, 0);
  const again = send(track);
  assert.deepEqual([again.sequence, again.droppedBefore], [5, 3]);
  assert.deepEqual(track.stats, { frames: 3, bytes: 0, dropped: 3, unwanted: 0 });
});

test('a new epoch begins with zeros, and goes on numbering', () => {
  const track = new Track(1, info);
  send(track);
  track.drop();
  track.beginEpoch();
  const frame = send(track);
  assert.deepEqual([frame.sequence, frame.droppedBefore, frame.flags], [2, 0, FLAG.discont]);
  assert.deepEqual(track.stats, { frames: 1, bytes: 0, dropped: 0, unwanted: 0 });
});

test('a change of the format is told by the frame that has it', () => {
  const track = new Track(1, info);
  assert.deepEqual(['a', 'a', 'b', undefined, 'b'].map((f) => send(track, f).flags & FLAG.formatChanged), [0, 0, 16, 0, 0]);
});

test('a greatest rate', () => {
  const count = (fps, wanted) => {
    const track = new Track(1, info);
    track.announced = true;
    track.demand = { wanted: true, width: 0, height: 0, fpsMilli: wanted * 1000 };
    let seed = 7;
    const jitter = () => ((seed = (seed * 48271) % 2147483647) % 4) * MS;
    return Array.from({ length: fps * 10 }, (_, i) => track.wants(1e9 + (i * 1e9) / fps + jitter())).filter(Boolean).length;
  };
  for (const [fps, wanted] of [[30, 15], [30, 10], [60, 30], [30, 30], [30, 60], [30, 1]]) {
    const got = count(fps, wanted);
    const right = Math.min(fps, wanted) * 10;
    assert.ok(Math.abs(got - right) <= 2, `${fps} fps, ${wanted} wanted: ${got}`);
  }
  const frames = count(30, 20);
  assert.ok(frames >= 190 && frames <= 210, `${frames}`);
});

test('what nobody wants is no drop', () => {
  const track = new Track(1, info);
  assert.equal(track.wants(0), false, 'no consumer knows of it');
  track.announced = true;
  assert.equal(track.wants(0), true);
  track.demand = { wanted: false, width: 0, height: 0, fpsMilli: 0 };
  assert.equal(track.wants(0), false);
  assert.deepEqual(track.stats, { frames: 0, bytes: 0, dropped: 0, unwanted: 2 });
});

test('jitter of the delivery does not get into the time', () => {
  const clock = new MediaClock();
  let seed = 3;
  const jitter = () => ((seed = (seed * 48271) % 2147483647) % 20) * MS;
  const times = Array.from({ length: 300 }, (_, i) => clock.map(i * 10 * MS, 5e9 + i * 10 * MS + jitter()));
  const steps = times.slice(101).map((t, i) => t - times[100 + i]);
  assert.ok(steps.every((step) => Math.abs(step - 10 * MS) <= 1.1 * MS), `${steps}`);
});

test('never later than now, never backwards; follows drift and jumps', () => {
  const clock = new MediaClock();
  let last = 0;
  const at = (pts, now) => {
    const mono = clock.map(pts, now);
    assert.ok(mono <= now && mono >= last);
    last = mono;
    return now - mono;
  };
  // 100 parts in a million, for an hour.
  let late = 0;
  for (let i = 0; i < 36000; i++) late = at(i * 100 * MS * 0.9999, i * 100 * MS);
  assert.ok(late < 2 * MS, `${late}`);
  const [pts, now] = [3600e9 * 0.9999, 3600e9];
  // The media stood still for 10 s, then goes on where it was.
  for (let i = 0; i < 50; i++) late = at(pts + i * 100 * MS, now + 10e9 + i * 100 * MS);
  assert.ok(late < 2 * MS, `${late}`);
  // Its time line begins at zero again.
  for (let i = 0; i < 50; i++) late = at(i * 100 * MS, now + 20e9 + i * 100 * MS);
  assert.ok(late < 2 * MS, `${late}`);
});
