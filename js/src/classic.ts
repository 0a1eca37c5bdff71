//! The classic script: puts `FrameRing` into the page, and starts by itself if `window.__FRAME_RING__` says so.

import type { AutoConfig } from './auto';
import { FrameRing, FrameRingError } from './index';

interface Scope {
  FrameRing?: unknown;
  FrameRingError?: unknown;
  __FRAME_RING__?: AutoConfig & { auto?: boolean; running?: unknown };
}

const scope = globalThis as Scope;
const config = scope.__FRAME_RING__;

// Injected twice, the first one stays.
if (!config?.running) {
  for (const [name, value] of Object.entries({ FrameRing, FrameRingError })) {
    Object.defineProperty(scope, name, { value, writable: true, configurable: true, enumerable: false });
  }
  if (config?.auto) config.running = FrameRing.auto(config);
}
