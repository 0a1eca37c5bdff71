// Pages whose Content-Security-Policy forbids what the library does at first.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { classic, launch, serve } from './chromium.mjs';
import { after, before, test } from './suite.mjs';

let browser;
let site;

before(async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../../src/worker/main.ts', import.meta.url))],
    bundle: true,
    write: false,
  });
  const policy = (text) => ({ text: '<!doctype html>', headers: { 'content-security-policy': text } });
  site = await serve({
    '/worker.js': { text: outputFiles[0].text, headers: { 'content-type': 'text/javascript' } },
    '/self': policy("default-src 'self'"),
    '/none': policy("worker-src 'none'"),
    '/trusted': policy("worker-src blob:; require-trusted-types-for 'script'"),
    '/no-policies': policy("worker-src blob:; require-trusted-types-for 'script'; trusted-types 'none'"),
  });
  browser = await launch();
});

after(async () => {
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
  assert.equal(await open('no-policies'), 'worker-blocked');
  assert.equal(await open('no-policies', {}, true), 'lane');
});

test('a page of an insecure origin has no lane', async () => {
  const page = await browser.newPage('about:blank', { inject: classic });
  await page.goto('data:text/html,page');
  const code = await page.eval(() => FrameRing.open({ transport: 'lane' }).catch((why) => why.code));
  assert.equal(code, 'insecure-context');
});
