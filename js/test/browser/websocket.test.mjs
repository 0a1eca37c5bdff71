// The same over a WebSocket, out of a real Chromium, consumed by the text of docs/abi.md.
import assert from 'node:assert/strict';
import { findLanes } from '../lane.mjs';
import { FLAG } from '../read.mjs';
import { SocketConsumer } from '../socket.mjs';
import { launch, serve } from './chromium.mjs';
import { assertSamples, ended, framesOf, isPattern } from './expect.mjs';
import { after, before, test } from './suite.mjs';
import { until } from './until.mjs';

let browser;
let site;
let page;
let consumer;

before(async () => {
  site = await serve();
  browser = await launch();
  page = await browser.newPage(site.url);
});

after(async () => {
  await consumer?.close();
  await browser?.close();
  await site?.close();
});

/** Opens a ring in a fresh page, to a new server. */
async function openRing(options = {}, on = page) {
  await consumer?.close();
  const { window, ...more } = options;
  consumer = await SocketConsumer.listen({ window });
  await on.goto(site.url);
  await on.eval(async (o) => { window.ring = await FrameRing.open(o); }, { transport: 'websocket', url: consumer.url, ...more });
}

test('pictures of odd sizes, samples, and what the page writes arrive byte for byte', async () => {
  await openRing();
  assert.equal(await page.eval(() => ring.transport), 'websocket');
  assert.ok((await until(() => consumer.entries.length >= 8 && consumer.entries)).slice(0, 8).every(({ what }) => what === 'time'));
  await page.eval(async () => {
    const video = videoSource(1, 'I420', 641, 359);
    const audio = audioSource(2, 2);
    const captures = [ring.captureTrack(video.track, { label: 'Ada', sourceId: 7 }), ring.captureTrack(audio.track)];
    await settle();
    await Promise.all([play(video, 10, 33), play(audio, 30, 10)]);
    await Promise.all([video.end(), audio.end()]);
    await Promise.all(captures.map((capture) => capture.ended));
    await ring.write(ring.track({ label: 'chat' }), 'hällo');
  });
  await ended(consumer, 1);
  await ended(consumer, 2);
  const pictures = framesOf(consumer, 1).slice(0, -1);
  assert.equal(pictures.length, 10);
  assert.ok(pictures.every((frame) => isPattern(frame, 1) && frame.sourceId === 7 && frame.coded[0] === 641));
  const blocks = framesOf(consumer, 2).slice(0, -1);
  assert.equal(blocks.length, 30);
  blocks.forEach((block) => assertSamples(block, 2));
  const [chat] = await until(() => framesOf(consumer, 3).length && framesOf(consumer, 3));
  assert.equal(chat.payload.toString(), 'hällo');
  assert.equal(consumer.entries.find((e) => e.what === 'track').label, 'Ada');
});

test('no more is on its way than the window, drops are counted and told, then it goes on', async () => {
  await openRing({ window: 1 << 20 });
  await page.eval(() => { window.source = videoSource(2, 'I420', 320, 240); window.capture = ring.captureTrack(source.track); return settle(); });
  const played = () => page.eval(async () => { await play(source, 20, 15); return capture.stats(); });
  consumer.hold = true;
  const full = await played();
  assert.ok(full.frames <= 7 && full.dropped >= 12, JSON.stringify(full));
  consumer.release();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const after = await played();
  assert.equal(after.frames + after.dropped, 40);
  assert.ok(after.frames > full.frames);
  await until(() => framesOf(consumer, 1).length === after.frames);
  const frames = framesOf(consumer, 1);
  assert.equal(frames.reduce((sum, frame) => sum + frame.droppedBefore, 0), after.dropped);
  assert.ok(frames.every((frame) => isPattern(frame, 2)));
  assert.ok(consumer.connections[0].maxOnWay <= ((1 << 20) * 7) / 8 + 4096, `${consumer.connections[0].maxOnWay}`);
});

test('what was sent before the ring is closed arrives', async () => {
  await openRing({ window: 64 << 20 });
  await page.eval(async () => {
    const id = ring.track();
    await Promise.all(Array.from({ length: 8 }, () => ring.write(id, new Uint8Array(3 << 20))));
    await ring.close();
  });
  await ended(consumer, 1);
  assert.equal(framesOf(consumer, 1).length, 9);
});

test('demand: what nobody wants is not sent', async () => {
  await openRing();
  await page.eval(() => { window.source = videoSource(1, 'I420', 64, 64); window.capture = ring.captureTrack(source.track); return settle(); });
  consumer.demand(1, { off: true });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const off = await page.eval(async () => { await play(source, 5, 15); return capture.stats(); });
  assert.deepEqual([off.frames, off.dropped, off.unwanted], [0, 0, 5]);
  consumer.demand(1, {});
  await new Promise((resolve) => setTimeout(resolve, 50));
  await page.eval(() => play(source, 3, 15));
  await until(() => framesOf(consumer, 1).length === 3);
});

test('a consumer that comes again, on the same port, begins a new epoch', async () => {
  await openRing();
  await page.eval(async () => {
    window.source = videoSource(3, 'I420', 64, 64);
    ring.captureTrack(source.track, { label: 'Ada' });
    await settle();
    await play(source, 3, 20);
  });
  await until(() => framesOf(consumer, 1).length === 3);
  const { port } = consumer;
  await consumer.close();
  await page.eval(() => play(source, 3, 20));
  consumer = await SocketConsumer.listen({ port });
  await until(() => consumer.entries.length > 8);
  await page.eval(() => play(source, 3, 20));
  const frames = await until(() => framesOf(consumer, 1).length === 3 && framesOf(consumer, 1));
  const [track] = consumer.entries.filter(({ what }) => what !== 'time');
  assert.deepEqual([track.what, track.state, track.label], ['track', 'open', 'Ada']);
  assert.ok(frames.every((frame) => isPattern(frame, 3)));
  assert.deepEqual([frames[0].flags, frames[0].droppedBefore], [FLAG.discont, 0]);
  assert.equal((await page.eval(() => ring.stats())).epochs, 2);
});

test('a reload ends the connection, the next page makes another', async () => {
  await openRing();
  const closed = new Promise((resolve) => consumer.connections[0].socket.once('close', resolve));
  await page.reload();
  await closed;
  await page.eval(async (url) => { window.ring = await FrameRing.open({ transport: 'websocket', url }); }, consumer.url);
  assert.equal(consumer.connections.length, 2);
});

test('auto, in an incognito context: no lane can be seen, so it is the WebSocket, and it says why', async () => {
  const { browserContextId: context } = await browser.send('Target.createBrowserContext');
  const incognito = await browser.newPage(site.url, { context });
  await openRing({ transport: 'auto', consumerTimeoutMs: 100 }, incognito);
  const [transport, why] = await incognito.eval(() => [ring.transport, ring.why]);
  assert.equal(transport, 'websocket');
  assert.match(why, /no consumer took the lane within 100 ms.*incognito/s);
  await until(() => consumer.entries.some((e) => e.what === 'note' && e.text === why));
  await incognito.close();
});

test('auto, with neither there: the lane waits for its consumer', async () => {
  await openRing();
  const { url } = consumer;
  await consumer.close();
  consumer = undefined;
  await page.goto(site.url);
  const old = new Set(findLanes(browser.profile));
  const [transport, why] = await page.eval(async (o) => {
    window.ring = await FrameRing.open(o);
    return [ring.transport, ring.why];
  }, { url, consumerTimeoutMs: 100, bytes: 1 << 20 });
  assert.equal(transport, 'lane');
  assert.match(why, /There is no WebSocket at ws:/);
  assert.equal(findLanes(browser.profile).filter((lane) => !old.has(lane)).length, 1);
  const code = await page.eval((url) => FrameRing.open({ transport: 'websocket', url }).catch((why) => why.code), url);
  assert.equal(code, 'websocket-failed');
});
