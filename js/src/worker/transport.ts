//! What the lane and the WebSocket have in common: entries, and who is told what.

import type { Share } from './books';
import { RECORD, stampSent } from './record';
import { nowNs } from './clock';
import type { Demand, Track } from './track';

/** Bytes that entries are made in. */
export class Slab {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.view = new DataView(this.bytes.buffer);
  }
}

/** A record and its payload, ready to go out. */
export interface Entry {
  slab: Slab;
  /** Where its record begins: a multiple of 64. */
  at: number;
  /** Record and payload. */
  bytes: number;
  share: Share;
  /** Whose frame it is; not of other entries. */
  track: Track | undefined;
  /** The frame's format, to tell when it changes. */
  format?: string;
  /** Told whether it went out. */
  sent?: (sent: boolean) => void;
}

/** Who uses a transport. */
export interface User {
  /** A consumer has come: the entries that begin its epoch. */
  beginEpoch(): Entry[];
  demand(track: number, demand: Demand): void;
}

export interface Transport {
  readonly kind: 'lane' | 'websocket';
  /** Whether a consumer is there. */
  readonly consumer: boolean;
  /** Whether an entry of `bytes` could go out now. */
  room(bytes: number, share: Share): boolean;
  /** Sends the entries, in order. What does not fit is dropped and counted. Nothing of them is looked at afterwards. */
  post(entries: readonly Entry[]): void;
  /** Looks for a consumer, released room and demand. */
  poll(): void;
  close(): Promise<void>;
}

/** The last words of an entry before it goes out. */
export function stamp(entry: Entry): void {
  stampSent(entry.slab.view, entry.at, nowNs());
  entry.track?.send(entry.slab.view, entry.at, entry.bytes - RECORD, entry.format);
}

/** An entry that does not go out and was not stamped. */
export function drop(entry: Entry): void {
  entry.track?.drop();
  entry.sent?.(false);
}

/** An entry that was stamped and did not go out. */
export function unstamp(entry: Entry): void {
  entry.track?.unsend(entry.slab.view, entry.at, entry.bytes - RECORD);
  entry.sent?.(false);
}
