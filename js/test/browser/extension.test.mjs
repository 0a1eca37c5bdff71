// The unpacked extension, as a stock Chromium loads it from the command line.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { LaneConsumer, findLanes } from '../lane.mjs';
import { CALL } from './call.mjs';
import { launch, serve } from './chromium.mjs';
import { framesOf } from './expect.mjs';
import { after, before, test } from './suite.mjs';
import { until } from './until.mjs';

let browser;
let site;
const consumers = [];

before(async () => {
  const seen = '<!doctype html><script>window.seen = [typeof window.FrameRing?.open, !!window.__FRAME_RING__?.running]</script>';
  site = await serve({ '/seen': `${seen}<iframe src=/inner></iframe>`, '/inner': seen, '/strict': { text: '<!doctype html>', headers: { 'content-security-policy': "default-src 'none'" } }, '/call': CALL });
  browser = await launch(`--load-extension=${fileURLToPath(new URL('../../extension', import.meta.url))}`);
});

after(async () => {
  consumers.forEach((consumer) => consumer.stop());
  await browser?.close();
  await site?.close();
});

test('it is there before the scripts of a page, and of the frames in it', async () => {
  const page = await browser.newPage(`${site.url}seen`);
  assert.deepEqual(await page.eval(() => [seen, frames[0].seen]), [['function', true], ['function', true]]);
  await page.close();
});

test("a page's policy does not keep it out", async () => {
  const page = await browser.newPage(`${site.url}strict`);
  assert.equal(await page.eval(() => typeof window.FrameRing?.open), 'function');
  await page.close();
});

test('it captures a call', async () => {
  const page = await browser.newPage(`${site.url}call`);
  await page.eval('call()');
  const consumer = new LaneConsumer(await until(() => findLanes(browser.profile)[0]));
  consumers.push(consumer);
  const kinds = () => [1, 2].map((id) => framesOf(consumer, id)[0]?.kind).sort();
  await until(() => kinds().join() === 'audio,video');
  assert.equal(findLanes(browser.profile).length, 1);
});
