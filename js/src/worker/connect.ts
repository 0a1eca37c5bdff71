//! Which transport it is going to be, and why.

import { FrameRingError } from '../error';
import type { WorkerOptions } from '../messages';
import { Lane } from './lane';
import { Socket } from './socket';
import type { Transport, User } from './transport';

const LOOK_MS = 20;

/** A transport as the options ask for it. `why` tells the consumer's operator what could not be had. */
export async function connect(options: WorkerOptions, user: User): Promise<{ transport: Transport; why?: string }> {
  if (options.transport === 'websocket') return { transport: await Socket.open(needUrl(options), user) };
  let lane: Lane;
  try {
    lane = await Lane.open(options, user);
  } catch (why) {
    if (options.transport === 'lane' || options.url === undefined) throw why;
    return { transport: await Socket.open(options.url, user), why: `WebSocket instead of a lane: ${(why as Error).message}` };
  }
  const small = lane.bytes < options.bytes ? `the lane has ${lane.bytes} data bytes, not ${options.bytes}: the quota is smaller` : undefined;
  const asLane = small === undefined ? { transport: lane } : { transport: lane, why: small };
  if (options.transport === 'lane' || options.url === undefined) return asLane;
  if (await taken(lane, options.consumerTimeoutMs)) return asLane;
  try {
    const socket = await Socket.open(options.url, user);
    await lane.close();
    return { transport: socket, why: noConsumer(options.consumerTimeoutMs) };
  } catch {
    // Neither is there yet. A consumer of the lane may still come.
    return { ...asLane, why: `${noConsumer(options.consumerTimeoutMs)} There is no WebSocket at ${options.url} either.` };
  }
}

function needUrl({ url }: WorkerOptions): string {
  if (url !== undefined) return url;
  throw new FrameRingError('bad-argument', "transport 'websocket' needs options.url, as ws://127.0.0.1:PORT/");
}

async function taken(lane: Lane, timeoutMs: number): Promise<boolean> {
  for (const end = performance.now() + timeoutMs; ; ) {
    lane.poll();
    if (lane.consumer) return true;
    if (performance.now() >= end) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function noConsumer(ms: number): string {
  return (
    `no consumer took the lane within ${ms} ms. Likely nobody watches this profile, or its files are not on disk ` +
    '(an incognito or newContext() context), or the storage of this frame is partitioned away.'
  );
}
