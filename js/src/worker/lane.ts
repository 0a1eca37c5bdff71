//! A lane: the page's half of "A lane" in docs/abi.md. Owns the words of the file; what fits where is known by its books.

import { FrameRingError } from '../error';
import type { WorkerOptions } from '../messages';
import { Books, type Mark, type Share, rounded } from './books';
import { nowNs } from './clock';
import { DATA, type LaneFile, PAGE, TRACKS, createLaneFile, removeLaneFile } from './lane-file';
import { readDemand } from './track';
import { type Entry, Slab, type Transport, type User, drop, stamp, unstamp } from './transport';

const EPOCH = PAGE;
const POSTED = PAGE + 1024;
const CONSUMER = 2 * PAGE;
/** In the consumer page. */
const RELEASED = 1024;
const DEMAND = 2048;
const DEMAND_BYTES = 16;

/** How long what was read of the consumer page is good enough for entries that fit. */
const FRESH_NS = 2e6;

export class Lane implements Transport {
  readonly kind = 'lane';
  readonly bytes: number;
  readonly #file: LaneFile;
  readonly #user: User;
  readonly #books: Books;
  readonly #page = new Slab(PAGE);
  readonly #demandNow = new Uint32Array(this.#page.bytes.buffer, DEMAND, (TRACKS * DEMAND_BYTES) / 4);
  readonly #demandSeen = new Uint32Array(this.#demandNow.length);
  #epoch = 0;
  #readAt = -Infinity;
  #lastNext = 0;

  private constructor(file: LaneFile, entries: number, user: User) {
    this.#file = file;
    this.bytes = file.bytes;
    this.#user = user;
    this.#books = new Books(file.bytes, entries);
  }

  /** Makes a file and the lane in it; smaller than asked for if the quota is. */
  static async open(options: WorkerOptions, user: User): Promise<Lane> {
    return new Lane(await createLaneFile(options), options.entries, user);
  }

  get consumer(): boolean {
    return this.#epoch !== 0;
  }

  room(bytes: number, share: Share): boolean {
    if (!this.consumer) return false;
    if (!this.#books.fits(bytes, share)) this.#read();
    return this.#books.fits(bytes, share);
  }

  post(entries: readonly Entry[]): void {
    if (nowNs() - this.#readAt > FRESH_NS) this.#read();
    if (this.consumer) this.#post(entries);
    else entries.forEach(drop);
  }

  poll(): void {
    this.#read();
    // Nothing was posted since the last poll: going back to offset 0 takes room from nobody.
    if (this.consumer && this.#books.next === this.#lastNext) this.#goBack();
    this.#lastNext = this.#books.next;
  }

  async close(): Promise<void> {
    this.#file.handle.close();
    await removeLaneFile(this.#file.name);
  }

  // Nothing in here reads the consumer page: a new epoch would forget what is claimed and not yet posted.
  #post(entries: readonly Entry[]): void {
    const first = this.#books.next;
    let run: Run | undefined;
    for (const entry of entries) {
      let mark = this.#books.mark();
      let at = this.#books.claim(entry.bytes, entry.share);
      if (at !== undefined && run && !run.continuesWith(entry, at)) {
        if (!this.#write(run)) {
          this.#books.rewind((mark = run.mark));
          at = this.#books.claim(entry.bytes, entry.share);
        }
        run = undefined;
      }
      if (at === undefined) {
        drop(entry);
        continue;
      }
      stamp(entry);
      run ??= new Run(entry.slab, entry.at, at, mark);
      run.push(entry);
    }
    if (run && !this.#write(run)) this.#books.rewind(run.mark);
    if (this.#books.next === first) this.#goBack();
    else this.#tell(first);
  }

  /** Writes a run to the data area; whether it is there. */
  #write(run: Run): boolean {
    let done = false;
    try {
      const bytes = run.slab.bytes.subarray(run.from, run.to);
      done = this.#file.handle.write(bytes, { at: DATA + run.at }) === bytes.length;
    } catch {
      // The file system is full, or the file is gone: what was to be written is dropped and counted.
    }
    run.entries.forEach((entry) => (done ? entry.sent?.(true) : unstamp(entry)));
    return done;
  }

  /** Writes the posted bytes of all entries from `first` on. */
  #tell(first: number): void {
    const { next, entries, posted } = this.#books;
    for (let from = first; from < next; ) {
      const slot = from % entries;
      const n = Math.min(next - from, entries - slot);
      this.#put(posted.subarray(slot, slot + n), POSTED + slot);
      from += n;
    }
  }

  // Also where nothing fitted: an entry longer than what is left before the end needs the way back to be free.
  #goBack(): void {
    const first = this.#books.next;
    if (this.#books.goBack()) this.#tell(first);
  }

  #read(): void {
    this.#readAt = nowNs();
    if (this.#file.handle.read(this.#page.bytes, { at: CONSUMER }) !== PAGE) {
      throw new FrameRingError('failed', 'the lane has lost its consumer page: somebody has shortened the file');
    }
    const epoch = this.#page.view.getUint8(0);
    if (epoch !== 0 && epoch !== this.#epoch) this.#beginEpoch(epoch);
    else this.#books.release(this.#page.bytes.subarray(RELEASED, RELEASED + this.#books.entries));
    if (this.consumer) this.#readDemand();
  }

  #beginEpoch(epoch: number): void {
    this.#books.reset();
    this.#demandSeen.fill(0);
    this.#put(this.#books.posted, POSTED);
    this.#put(Uint8Array.of(epoch), EPOCH);
    this.#epoch = epoch;
    this.#post(this.#user.beginEpoch());
  }

  #readDemand(): void {
    for (let i = 0; i < this.#demandNow.length; i++) {
      if (this.#demandNow[i] === this.#demandSeen[i]) continue;
      const track = Math.floor((4 * i) / DEMAND_BYTES) + 1;
      this.#user.demand(track, readDemand(this.#page.view, DEMAND + DEMAND_BYTES * (track - 1)));
    }
    this.#demandSeen.set(this.#demandNow);
  }

  #put(bytes: Uint8Array<ArrayBuffer>, at: number): void {
    if (this.#file.handle.write(bytes, { at }) !== bytes.length) {
      throw new FrameRingError('failed', `the lane took less than ${bytes.length} bytes at ${at}`);
    }
  }
}

/** Entries that lie side by side both in a slab and in the lane. */
class Run {
  readonly entries: Entry[] = [];
  to: number;

  constructor(
    readonly slab: Slab,
    readonly from: number,
    readonly at: number,
    /** The books before its first entry. */
    readonly mark: Mark,
  ) {
    this.to = from;
  }

  continuesWith(entry: Entry, at: number): boolean {
    const next = rounded(this.to - this.from);
    return entry.slab === this.slab && entry.at === this.from + next && at === this.at + next;
  }

  push(entry: Entry): void {
    this.entries.push(entry);
    this.to = entry.at + entry.bytes;
  }
}
