//! Entries on their way out. Small ones lie side by side in one batch, so that many of them are one write; large ones have
//! slabs of their own, which are used again.

import { RECORD, putRecord } from './record';
import { rounded, type Share } from './books';
import { type Entry, Slab, type Transport } from './transport';
import type { Track } from './track';

const BATCH_BYTES = 256 << 10;
const SMALL_BYTES = 32 << 10;
const SLAB_STEP = 64 << 10;
const SPARE_SLABS = 4;

/** Slabs for one entry each. At most a few lie idle. */
export class Pool {
  readonly #spare: Slab[] = [];

  /** A slab of at least `bytes`. */
  take(bytes: number): Slab {
    const i = this.#spare.findIndex((slab) => slab.bytes.length >= bytes);
    const found = i >= 0 ? this.#spare.splice(i, 1)[0] : undefined;
    return found ?? new Slab(Math.ceil(bytes / SLAB_STEP) * SLAB_STEP);
  }

  /** Takes a slab back, to be given to somebody else. The smallest one goes if there are too many. */
  give(slab: Slab): void {
    this.#spare.push(slab);
    this.#spare.sort((a, b) => a.bytes.length - b.bytes.length);
    if (this.#spare.length > SPARE_SLABS) this.#spare.shift();
  }
}

export class Outbox {
  /** Where entries go. Nothing may be pushed before there is one. */
  transport: Transport | undefined;
  readonly pool = new Pool();
  readonly #batch = new Slab(BATCH_BYTES);
  #batchEnd = 0;
  #entries: Entry[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly batchMs: number,
    private readonly failed: (why: unknown) => void,
  ) {}

  /**
   * An entry with `payload` bytes that `fill` writes behind its record, which it completes. The entry waits for others until
   * the next {@link flush}, or `batchMs` at most.
   */
  push(what: number, payload: number, share: Share, track: Track | undefined, fill: (entry: Entry) => void): Entry {
    const entry = this.#place(RECORD + payload, share, track);
    putRecord(entry.slab.view, entry.at, what, entry.bytes);
    fill(entry);
    this.#entries.push(entry);
    this.#timer ??= setTimeout(() => this.flush(), this.batchMs);
    return entry;
  }

  /** An entry made in a slab of the pool goes out now, behind those that wait, and the slab back. Whether it went out. */
  send(entry: Entry): boolean {
    let went = false;
    entry.sent = (sent) => (went = sent);
    this.#entries.push(entry);
    this.flush();
    return went;
  }

  /** What waits goes out, or is dropped. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const entries = this.#entries;
    if (entries.length === 0) return;
    this.#entries = [];
    this.#batchEnd = 0;
    try {
      this.transport?.post(entries);
    } catch (why) {
      this.failed(why);
    }
    for (const { slab } of entries) if (slab !== this.#batch) this.pool.give(slab);
  }

  #place(bytes: number, share: Share, track: Track | undefined): Entry {
    if (bytes > SMALL_BYTES) return { slab: this.pool.take(bytes), at: 0, bytes, share, track };
    if (this.#batchEnd + bytes > BATCH_BYTES) this.flush();
    const at = this.#batchEnd;
    this.#batchEnd += rounded(bytes);
    return { slab: this.#batch, at, bytes, share, track };
  }
}
