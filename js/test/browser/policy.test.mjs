// Pages in which the library may not do all it does: what helps, and what is said.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { SocketConsumer } from '../socket.mjs';
import { classic, launch, serve } from './chromium.mjs';
import { framesOf } from './expect.mjs';
import { after, before, test } from './suite.mjs';
import { until } from './until.mjs';

let browser;
let site;
let consumer;

before(async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../../src/worker/main.ts', import.meta.url))],
    bundle: true,
    write: false,
  });
  const policy = (text) => ({ text: '<!doctype html>', headers: { 'content-security-policy': text } });
  site = await serve({
    '/worker.js': { text: outputFiles[0].text, headers: { 'content-type': 'text/javascript' } },
    '/sandboxed': `<!doctype html><script>addEventListener('message', ({ data }) => { window.told = data; })</script><iframe sandbox=allow-scripts src=/inner></iframe>`,
    '/inner': `<script src=/frame-ring.js></script><script>
      FrameRing.open({ transport: 'lane' }).catch((why) => why.code).then((told) => parent.postMessage(told, '*'))</script>`,
    '/self': policy("default-src 'self'"),
    '/none': policy("worker-src 'none'"),
    '/unconnected': policy("connect-src 'none'"),
    '/trusted': policy("worker-src blob:; require-trusted-types-for 'script'"),
    '/our-policy': policy("worker-src blob:; require-trusted-types-for 'script'; trusted-types frame-ring"),
    '/no-policies': policy("worker-src blob:; require-trusted-types-for 'script'; trusted-types 'none'"),
  });
  browser = await launch('--host-resolver-rules=MAP plain.test localhost');
});

after(async () => {
  await consumer?.close();
  await browser?.close();
  await site?.close();
});

/** Opens a lane in a page; its transport, or the error's code. */
async function open(path, options = {}, bypass = false) {
  const page = await browser.newPage('about:blank', { inject: classic });
  await page.send('Page.setBypassCSP', { enabled: bypass });
  await page.goto(site.url + path);
  const got = await page.eval(async (o) => {
    const ring = await FrameRing.open({ transport: 'lane', bytes: 1 << 20, ...o }).catch((why) => why);
    return ring.code ?? ring.transport;
  }, options);
  await page.close();
  return got;
}

test('no worker from a blob: URL: it says so, workerUrl helps, so does bypassing', async () => {
  assert.equal(await open('self'), 'worker-blocked');
  assert.equal(await open('self', { workerUrl: '/worker.js' }), 'lane');
  assert.equal(await open('self', {}, true), 'lane');
});

test('no worker at all: only bypassing helps', async () => {
  assert.equal(await open('none'), 'worker-blocked');
  assert.equal(await open('none', { workerUrl: '/worker.js' }), 'worker-blocked');
  assert.equal(await open('none', {}, true), 'lane');
});

test('trusted types: a policy is made if one may be', async () => {
  assert.equal(await open('trusted'), 'lane');
  assert.equal(await open('our-policy'), 'lane');
  assert.equal(await open('no-policies'), 'worker-blocked');
  assert.equal(await open('no-policies', {}, true), 'lane');
});

test('no connection: lanes are not concerned', async () => {
  consumer = await SocketConsumer.listen();
  const { url } = consumer;
  assert.equal(await open('unconnected', { transport: 'websocket', url }), 'websocket-failed');
  assert.equal(await open('unconnected', { transport: 'websocket', url }, true), 'websocket');
  assert.equal(await open('unconnected'), 'lane');
  await consumer.close();
});

test('http:// has no lanes; the WebSocket takes what is captured and written', async () => {
  consumer = await SocketConsumer.listen();
  const page = await browser.newPage('about:blank', { inject: classic });
  await page.goto(site.url.replace('localhost', 'plain.test'));
  const codes = await page.eval(async (url) => {
    const lane = await FrameRing.open({ transport: 'lane' }).catch((why) => why.code);
    window.ring = await FrameRing.open({ url });
    return [lane, ring.transport, await ring.write(ring.track(), 'text')];
  }, consumer.url);
  assert.deepEqual(codes, ['insecure-context', 'websocket', true]);
  await page.eval(async () => {
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('2d');
    ring.captureTrack(canvas.captureStream().getTracks()[0]);
    window.timer = setInterval(() => context.fillRect(0, 0, Math.random() * 99, 9), 30);
  });
  await until(() => framesOf(consumer, 2).filter(({ kind }) => kind === 'video').length >= 5);
  await page.close();
});

test('a sandboxed frame has no lane', async () => {
  const page = await browser.newPage(`${site.url}sandboxed`);
  assert.equal(await until(() => page.eval(() => window.told)), 'insecure-context');
  await page.close();
});
