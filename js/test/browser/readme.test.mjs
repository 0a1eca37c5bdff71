// The example of README.md, as it stands there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { LaneConsumer, findLanes } from '../lane.mjs';
import { launch, serve } from './chromium.mjs';
import { framesOf } from './expect.mjs';
import { after, before, test } from './suite.mjs';
import { until } from './until.mjs';

const [, example] = /```html\n([\s\S]*?)```/.exec(readFileSync(new URL('../../README.md', import.meta.url), 'utf8'));
let browser;
let site;
let consumer;

before(async () => {
  site = await serve({ '/': example });
  browser = await launch();
});

after(async () => {
  consumer?.stop();
  await browser?.close();
  await site?.close();
});

test('the complete example: camera, microphone, chat', async () => {
  await browser.newPage(site.url);
  consumer = new LaneConsumer(await until(() => findLanes(browser.profile)[0]));
  assert.equal(consumer.name, 'example');
  const tracks = () => consumer.entries.filter((e) => e.what === 'track' && e.state === 'open');
  await until(() => tracks().length === 3);
  assert.deepEqual(tracks().map(({ label }) => label).sort(), ["Ada's audio", "Ada's video", 'chat']);
  for (const { number, kind } of tracks()) {
    const [frame] = await until(() => framesOf(consumer, number).length > 1 && framesOf(consumer, number));
    assert.equal(frame.kind, kind === 'data' ? 'opaque' : kind);
  }
});
