// Drives a real Chromium over CDP (--remote-debugging-pipe), and serves the pages. No dependencies.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const BINARY = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--mute-audio',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--remote-debugging-pipe',
];

/** Starts a browser with a profile of its own, on shared memory. */
export async function launch(...flags) {
  const profile = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'frame-ring-test-'));
  const root = process.getuid() === 0 ? ['--no-sandbox'] : [];
  const child = spawn(BINARY, [...FLAGS, ...root, ...flags, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const cdp = connect(child.stdio[3], child.stdio[4]);
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.once('error', (why) => cdp.fail(new Error(`${BINARY} did not start: ${why.message}`)));
  child.once('exit', (code, signal) => cdp.fail(new Error(`${BINARY} ended: ${code ?? signal}`)));
  return {
    profile,
    send: cdp.send,
    pid: child.pid,
    newPage: (url, options) => newPage(cdp, url, options),
    async close() {
      const late = setTimeout(() => child.kill('SIGKILL'), 5000);
      await cdp.send('Browser.close').catch(() => {});
      await gone;
      clearTimeout(late);
      rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** A tab. `inject` is a script that runs before any of the page's own. */
async function newPage(cdp, url, { inject, context } = {}) {
  const { targetId } = await cdp.send('Target.createTarget', { url: 'about:blank', ...(context && { browserContextId: context }) });
  const { sessionId } = await cdp.send('Target.attachToTarget', { targetId, flatten: true });
  const send = (method, params) => cdp.send(method, params, sessionId);
  await send('Page.enable');
  await send('Runtime.enable');
  if (inject) await send('Page.addScriptToEvaluateOnNewDocument', { source: inject });
  const page = {
    send,
    async goto(to) {
      const loaded = cdp.once('Page.loadEventFired', sessionId);
      const { errorText } = await send('Page.navigate', { url: to });
      if (errorText) throw new Error(`${to}: ${errorText}`);
      await loaded;
    },
    async reload() {
      const loaded = cdp.once('Page.loadEventFired', sessionId);
      await send('Page.reload');
      await loaded;
    },
    /** The value of an expression, or of a function called with `args`, as JSON; promises are awaited. */
    async eval(what, ...args) {
      const expression = typeof what === 'function' ? `(${what})(...${JSON.stringify(args)})` : what;
      const { result, exceptionDetails } = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true, userGesture: true });
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    },
    close: () => cdp.send('Target.closeTarget', { targetId }),
  };
  await page.goto(url);
  return page;
}

function connect(input, output) {
  const waiting = new Map();
  let listeners = [];
  let asked = 0;
  let failed;
  let rest = '';
  output.setEncoding('utf8').on('data', (text) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop();
    for (const message of messages.map((m) => JSON.parse(m))) {
      const { resolve, reject } = waiting.get(message.id) ?? {};
      waiting.delete(message.id);
      if (message.error) reject?.(new Error(message.error.message));
      else if (resolve) resolve(message.result);
      else {
        const [now, later] = [listeners.filter((l) => l.wants(message)), listeners.filter((l) => !l.wants(message))];
        listeners = later;
        now.forEach((l) => l.resolve(message.params));
      }
    }
  });
  input.on('error', () => {});
  return {
    send(method, params = {}, sessionId) {
      if (failed) return Promise.reject(failed);
      const id = ++asked;
      input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    },
    once(method, sessionId) {
      return new Promise((resolve) =>
        listeners.push({ resolve, wants: (m) => m.method === method && m.sessionId === sessionId }),
      );
    },
    fail(why) {
      failed = why;
      for (const { reject } of waiting.values()) reject(why);
      waiting.clear();
    },
  };
}

const dist = (name) => readFileSync(new URL(`../../dist/${name}`, import.meta.url), 'utf8');

/** The classic script. */
export const classic = dist('frame-ring.js');

/** Serves pages on localhost: by path, text or `{ text, headers }`. */
export async function serve(pages) {
  const all = {
    '/frame-ring.js': { text: classic, headers: { 'content-type': 'text/javascript' } },
    '/helpers.js': { text: readFileSync(new URL('helpers.cjs', import.meta.url), 'utf8'), headers: { 'content-type': 'text/javascript' } },
    '/favicon.ico': '',
    '/': '<!doctype html><title>page</title><script src=/frame-ring.js></script><script src=/helpers.js></script>',
    ...pages,
  };
  const server = createServer((request, response) => {
    const page = all[new URL(request.url, 'http://localhost').pathname];
    if (page === undefined) return response.writeHead(404).end();
    const { text, headers } = typeof page === 'string' ? { text: page, headers: {} } : page;
    response.writeHead(200, { 'content-type': 'text/html', ...headers }).end(text);
  });
  await new Promise((resolve) => server.listen(0, 'localhost', resolve));
  return {
    url: `http://localhost:${server.address().port}/`,
    close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }),
  };
}
