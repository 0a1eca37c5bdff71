// FrameRing.auto in a page that knows nothing of it: a call over RTCPeerConnection in a real Chromium.
import assert from 'node:assert/strict';
import { LaneConsumer, findLanes } from '../lane.mjs';
import { CALL } from './call.mjs';
import { classic, launch, serve } from './chromium.mjs';
import { framesOf } from './expect.mjs';
import { after, before, test } from './suite.mjs';
import { until } from './until.mjs';

let browser;
let site;
const consumers = [];

before(async () => {
  site = await serve({ '/call': CALL });
  browser = await launch();
});

after(async () => {
  consumers.forEach((consumer) => consumer.stop());
  await browser?.close();
  await site?.close();
});

/** A call in a new page, with the library injected; the page, and the consumer of its lane. */
async function call(config) {
  const old = new Set(findLanes(browser.profile));
  const inject = `window.__FRAME_RING__ = { auto: true, transport: 'lane', bytes: 16 << 20, ${config} };\n${classic}`;
  const page = await browser.newPage(`${site.url}call`, { inject });
  assert.equal(await page.eval('call()'), true);
  const path = await until(() => findLanes(browser.profile).find((lane) => !old.has(lane)));
  const consumer = new LaneConsumer(path);
  consumers.push(consumer);
  return { page, consumer };
}

const tracksOf = (consumer) => consumer.entries.filter((e) => e.what === 'track' && e.state === 'open');

/** Waits for pictures that differ, and for sound that is none of silence. */
async function assertMedia(consumer, kind, id) {
  if (kind === 'video') {
    const frames = await until(() => framesOf(consumer, id).length >= 10 && framesOf(consumer, id));
    assert.ok(frames.every(({ kind, coded: [width, height] }) => kind === 'video' && width > 0 && height > 0));
    assert.ok(!frames[0].payload.equals(frames.at(-1).payload));
  } else {
    const loud = (block) => block.kind === 'audio' && new Float32Array(new Uint8Array(block.payload).buffer).some((sample) => Math.abs(sample) > 0.01);
    await until(() => framesOf(consumer, id).length >= 100 && framesOf(consumer, id).some(loud));
  }
}

test('remote tracks of a call, sound too though nobody plays it', async () => {
  const { page, consumer } = await call('');
  await until(() => tracksOf(consumer).length === 2);
  for (const { kind, number } of tracksOf(consumer)) await assertMedia(consumer, kind, number);
  const told = tracksOf(consumer).map(({ kind, label, participant }) => [kind, label, participant]);
  assert.deepEqual(told.sort(), (await page.eval(() => remote)).map(([kind, id, stream]) => [kind, id.slice(0, 56), stream.slice(0, 40)]).sort());
  assert.equal(await page.eval(() => __FRAME_RING__.running.captures.size), 2);
  const gone = page.eval(() => __FRAME_RING__.running.stop());
  await until(() => consumer.entries.filter((e) => e.what === 'track' && e.state === 'ended').length === 2);
  await gone;
  await page.close();
});

test('what is told of a track, and which ones are left out', async () => {
  const { page, consumer } = await call("describe: ({ track }) => (track.kind === 'audio' ? null : { label: 'Ada', sourceId: 3 })");
  await until(() => tracksOf(consumer).length > 0);
  await assertMedia(consumer, 'video', 1);
  assert.deepEqual(tracksOf(consumer).map(({ kind, label, sourceId }) => [kind, label, sourceId]), [['video', 'Ada', 3]]);
  await page.close();
});

test('local tracks, each once, though an element shows them too', async () => {
  const { page, consumer } = await call('remote: false, local: true, elements: true');
  await until(() => tracksOf(consumer).length === 2);
  for (const { kind, number } of tracksOf(consumer)) await assertMedia(consumer, kind, number);
  // A camera stands still once a dozen of its frames are held.
  const camera = tracksOf(consumer).find(({ kind }) => kind === 'video');
  await until(() => framesOf(consumer, camera.number).length > 40);
  const told = tracksOf(consumer).map(({ kind, source, label }) => [kind, source, label]);
  assert.deepEqual(told.sort(), (await page.eval(() => local)).map(([kind, , label]) => [kind, kind === 'video' ? 1 : 3, label]).sort());
  await page.close();
});

test('tracks that an element shows', async () => {
  const { page, consumer } = await call('remote: false, elements: true');
  await until(() => tracksOf(consumer).length === 2);
  for (const { kind, number } of tracksOf(consumer)) await assertMedia(consumer, kind, number);
  await page.close();
});
