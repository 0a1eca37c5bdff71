//! Starts the worker where pages do not want one to be started.

import { FrameRingError } from './error';

/** The worker's program, put in by the build. */
declare const FRAME_RING_WORKER: string;

const HELLO_MS = 10_000;
const POLICY = 'frame-ring';

interface Policy {
  createScriptURL(url: string): string;
}

interface Policies {
  createPolicy(name: string, rules: Policy): Policy;
}

/** A worker that has said hello. */
export async function spawn(workerUrl: string | undefined): Promise<Worker> {
  const blobUrl = workerUrl === undefined ? URL.createObjectURL(new Blob([FRAME_RING_WORKER], { type: 'text/javascript' })) : '';
  try {
    return await hello(new Worker(trusted(workerUrl ?? blobUrl), { name: 'frame-ring' }));
  } catch (why) {
    throw FrameRingError.from(why, 'worker-blocked', BLOCKED);
  } finally {
    URL.revokeObjectURL(blobUrl);
  }
}

const BLOCKED =
  "the page's Content-Security-Policy lets no worker be made from a blob: URL. Turn it off with CDP (Page.setBypassCSP), or serve " +
  'dist/worker.js from an origin that worker-src allows and pass its URL as options.workerUrl';

function hello(worker: Worker): Promise<Worker> {
  return new Promise((resolve, reject) => {
    const stop = (why: string) => {
      clearTimeout(late);
      worker.terminate();
      reject(new FrameRingError('worker-blocked', `${BLOCKED} (${why})`));
    };
    const late = setTimeout(() => stop(`it did not start within ${HELLO_MS} ms`), HELLO_MS);
    worker.onerror = (event) => {
      event.preventDefault?.();
      stop(event.message || 'it did not load');
    };
    worker.onmessage = () => {
      clearTimeout(late);
      worker.onerror = worker.onmessage = null;
      resolve(worker);
    };
  });
}

// With `require-trusted-types-for 'script'` a worker's URL must come out of a policy; a page may forbid new ones.
function trusted(url: string): string {
  const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes;
  try {
    return policies?.createPolicy(POLICY, { createScriptURL: (same) => same }).createScriptURL(url) ?? url;
  } catch {
    return url;
  }
}
