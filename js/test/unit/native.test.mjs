// The browser's own rings, as a patched Chromium has them: what is asked of them, and what is made of their answers.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { until } from '../browser/until.mjs';
import { load } from './load.mjs';

const INFO = { kind: 'video', source: 'camera', sourceId: 7, label: 'Ada', participant: 'p-1' };
const OPTIONS = { label: 'Ada', source: 'camera', sourceId: 7, participant: 'p-1' };
const STATS = { frames: 3, bytes: 30, dropped: 2, unreadable: 1, unwanted: 4 };

/** In the place of the browser's own: answers as its interface says, and notes what it was asked. */
class FrameRing {
  static opened = [];
  static refusal;
  static async open(options) {
    if (FrameRing.refusal) throw FrameRing.refusal;
    FrameRing.opened.push(options);
    return new FrameRing();
  }
  asked = [];
  known = new Set();
  closed = false;
  attach(track, options) {
    if (track.readyState === 'ended') throw new DOMException('The track has ended.', 'InvalidStateError');
    this.asked.push(['attach', track, options]);
    this.known.add(2 ** 31 + 1);
    return 2 ** 31 + 1;
  }
  detach(id) {
    this.known.delete(id);
    this.asked.push(['detach', id]);
  }
  write(id, data, options) {
    if (this.closed) throw new DOMException('The ring is closed.', 'InvalidStateError');
    if (id < 1 || id >= 2 ** 31) throw new TypeError('Ids of streams to write to are 1 to 2147483647.');
    this.known.add(id);
    this.asked.push(['write', id, data, options]);
    return data.byteLength < 100;
  }
  getStats(id) {
    if (!this.known.has(id)) throw new DOMException('There is no stream of this id.', 'NotFoundError');
    return STATS;
  }
  close() {
    this.closed = true;
    this.known.clear();
  }
}

class Track extends EventTarget {
  id = 'track';
  readyState = 'live';
}

let NativeBackend;
let hasNative;
before(async () => {
  globalThis.FrameRing = FrameRing;
  ({ NativeBackend, hasNative } = await load('native.ts'));
});

async function open() {
  const backend = await NativeBackend.open('a name');
  return [backend, backend.ring];
}

test('a ring is opened by its name alone', async () => {
  assert.ok(hasNative());
  const [backend, ring] = await open();
  assert.deepEqual(FrameRing.opened.at(-1), { name: 'a name' });
  assert.deepEqual(await backend.stats(), { transport: 'patched', consumer: true, epochs: 1, tracks: {} });
  await backend.close();
  assert.equal(ring.closed, true);
  assert.equal(await backend.closed, undefined);
  FrameRing.refusal = new DOMException('not this origin', 'NotAllowedError');
  const refused = { code: 'no-patched-browser', message: /NotAllowedError: not this origin/ };
  await assert.rejects(NativeBackend.open('x'), refused).finally(() => (FrameRing.refusal = undefined));
});

test('a media track is attached with all that is told of it, and its numbers are those of the ring', async () => {
  const [backend, ring] = await open();
  const media = new Track();
  let ended = 0;
  const id = backend.capture(media, INFO, () => ended++);
  assert.deepEqual(ring.asked, [['attach', media, OPTIONS]]);
  const { frames, bytes, dropped, unwanted } = STATS;
  assert.deepEqual((await backend.stats()).tracks, { [id]: { frames, bytes, dropped, unwanted } });
  media.dispatchEvent(new Event('ended'));
  assert.deepEqual([ring.asked.at(-1), ended], [['detach', id], 1]);
  backend.end(id);
  assert.deepEqual([ring.asked.length, ended, (await backend.stats()).tracks], [2, 1, {}]);
  assert.throws(() => backend.capture(Object.assign(new Track(), { readyState: 'ended' }), INFO, () => {}), { code: 'no-capture' });
  await backend.close();
});

test('a track that the page stops ends soon', async () => {
  const [backend, ring] = await open();
  const media = new Track();
  let ended = 0;
  const id = backend.capture(media, INFO, () => ended++);
  media.readyState = 'ended';
  await until(() => ended === 1);
  assert.deepEqual(ring.asked.at(-1), ['detach', id]);
  await backend.close();
});

test('frames are written to numbers of the page, with what is told of their track', async () => {
  const [backend, ring] = await open();
  const [first, second] = [backend.open(INFO, () => {}), backend.open({ ...INFO, label: 'Grace' }, () => {})];
  assert.notEqual(first, second);
  assert.deepEqual((await backend.stats()).tracks[first], { frames: 0, bytes: 0, dropped: 0, unwanted: 0 });
  assert.equal(await backend.write(first, 'text', {}), true);
  assert.deepEqual(ring.asked.at(-1), ['write', first, new TextEncoder().encode('text'), OPTIONS]);
  assert.equal(await backend.write(second, new Uint8Array(100), {}), false);
  assert.equal(ring.asked.at(-1)[3].label, 'Grace');
  assert.equal((await backend.stats()).tracks[first].frames, STATS.frames);
  for (const options of [{ event: { code: 1 } }, { pts: 1 }]) {
    await assert.rejects(backend.write(first, 'x', options), { code: 'bad-argument' });
  }
  backend.end(first);
  assert.deepEqual(ring.asked.at(-1), ['detach', first]);
  await assert.rejects(backend.write(first, 'x', {}), { code: 'bad-argument' });
  await backend.close();
});

test('a consumer that leaves ends the ring and its tracks', async () => {
  const [backend, ring] = await open();
  let ended = 0;
  backend.capture(new Track(), INFO, () => ended++);
  const own = backend.open(INFO, () => ended++);
  ring.close();
  await assert.rejects(backend.write(own, 'x', {}), { code: 'closed' });
  assert.equal((await backend.closed).code, 'closed');
  assert.equal(ended, 2);
  assert.equal((await backend.stats()).consumer, false);
});
