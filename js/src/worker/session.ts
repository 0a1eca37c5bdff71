//! A ring as its worker keeps it: the tracks, the transport, what is told once a second. Owns all of them, and the order in
//! which a consumer that comes hears of them.

import { FrameRingError } from '../error';
import type { EventBody, Opened, Payload, RingStats, TrackInfo, WorkerOptions } from '../messages';
import { sendAudio } from './audio';
import { type Share, rounded } from './books';
import { nowNs } from './clock';
import { connect } from './connect';
import { Outbox } from './outbox';
import {
  type Body,
  COUNTERS_BYTES,
  DESCRIPTOR,
  Flag,
  NOTE_BYTES,
  RECORD,
  TRACK_BYTES,
  What,
  putCounters,
  putDescriptor,
  putRecord,
  putText,
  putTrack,
} from './record';
import { type Demand, Track, frameOf } from './track';
import { type Entry, Slab, type Transport, type User } from './transport';
import { sendVideo } from './video';

const POLL_MS = 50;
const COUNTERS_MS = 1000;
const TIMES = 8;
const NOTES = 16;

export interface SessionEvents {
  /** A track has ended: its number is free. */
  ended(number: number): void;
  /** Nothing can be sent any more. */
  broke(why: unknown): void;
}

export class Session implements User {
  readonly outbox: Outbox;
  readonly #tracks = new Map<number, Track>();
  readonly #demands = new Map<number, Demand>();
  readonly #counted = new Map<Track, number>();
  readonly #notes: string[] = [];
  /** What the consumer must know of tracks and could not be told yet, in order. */
  readonly #untold: { track: Track; ended: boolean }[] = [];
  readonly #options: WorkerOptions;
  readonly #events: SessionEvents;
  #transport: Transport | undefined;
  #timers: ReturnType<typeof setInterval>[] = [];
  #epochs = 0;

  constructor(options: WorkerOptions, events: SessionEvents) {
    this.#options = options;
    this.#events = events;
    this.outbox = new Outbox(options.audioBatchMs, (why) => this.#fail(why));
  }

  async open(): Promise<Opened> {
    const { transport, why } = await connect(this.#options, this);
    this.#transport = this.outbox.transport = transport;
    this.#timers.push(setInterval(() => this.#poll(), POLL_MS), setInterval(() => this.#count(), COUNTERS_MS));
    if (why !== undefined) this.note(why);
    return why === undefined ? { transport: transport.kind } : { transport: transport.kind, why };
  }

  get consumer(): boolean {
    return this.#transport?.consumer ?? false;
  }

  room(bytes: number, share: Share): boolean {
    return this.#transport?.room(bytes, share) ?? false;
  }

  addTrack(number: number, info: TrackInfo): void {
    const track = new Track(number, info);
    this.#tracks.set(number, track);
    track.demand = this.#demands.get(number) ?? track.demand;
    if (this.consumer) this.#tell(track, false);
  }

  /** Sends what comes out of `readable` until it ends; then the track ends. */
  async capture(number: number, readable: ReadableStream<VideoFrame> | ReadableStream<AudioData>): Promise<void> {
    const track = this.#tracks.get(number);
    const reader = (readable as ReadableStream<VideoFrame | AudioData>).getReader();
    if (!track) return reader.cancel();
    track.stop = () => void reader.cancel().catch(() => {});
    for (;;) {
      const { value, done } = await reader.read().catch(() => ({ value: undefined, done: true }));
      if (done || !value) break;
      await this.#send(track, value);
    }
    if (this.#tracks.get(number) === track) this.endTrack(number);
  }

  /** Ends a track; the capture that feeds it, first. */
  endTrack(number: number): void {
    const track = this.#tracks.get(number);
    if (!track) return;
    this.#tracks.delete(number);
    this.#counted.delete(track);
    track.stop?.();
    if (this.consumer) {
      this.#sendEnd(track);
      this.#tellCounters(track);
      this.#tell(track, true);
    }
    this.#events.ended(number);
  }

  /** Sends what the page has written. Whether it went out. */
  async write(number: number, data: Payload, event?: EventBody, ptsNs?: number, dropped = 0): Promise<boolean> {
    const track = this.#tracks.get(number);
    if (!track) return false;
    if (dropped > 0) track.drop(dropped);
    if (data instanceof ArrayBuffer) return this.#sendData(track, new Uint8Array(data), event, ptsNs);
    return this.#send(track, data);
  }

  /** Tells the consumer's operator; waits for a consumer if there is none. */
  note(text: string): void {
    if (this.consumer) this.#tellNote(text);
    else if (this.#notes.push(text) > NOTES) this.#notes.shift();
  }

  stats(): RingStats {
    const tracks = Object.fromEntries([...this.#tracks].map(([number, track]) => [number, { ...track.stats }]));
    return { transport: this.#transport?.kind ?? 'lane', consumer: this.consumer, epochs: this.#epochs, tracks };
  }

  async close(): Promise<void> {
    for (const number of [...this.#tracks.keys()]) this.endTrack(number);
    this.#timers.forEach(clearInterval);
    this.outbox.flush();
    this.outbox.transport = undefined;
    const transport = this.#transport;
    this.#transport = undefined;
    await transport?.close();
  }

  beginEpoch(): Entry[] {
    this.#epochs += 1;
    this.#demands.clear();
    this.#counted.clear();
    this.#untold.length = 0;
    const slab = new Slab((TIMES + this.#tracks.size * 2 + this.#notes.length * 5) * RECORD);
    const entries: Entry[] = [];
    let at = 0;
    const put = (what: number, payload: number, fill?: (at: number) => void, sent: (sent: boolean) => void = () => {}) => {
      putRecord(slab.view, at, what, RECORD + payload);
      fill?.(at + RECORD);
      entries.push({ slab, at, bytes: RECORD + payload, share: 'rest', track: undefined, sent });
      at += rounded(RECORD + payload);
    };
    for (let i = 0; i < TIMES; i++) put(What.time, 0);
    for (const track of this.#tracks.values()) {
      track.beginEpoch();
      put(What.track, TRACK_BYTES, (at) => putTrack(slab.view, at, track.number, false, track.info), (sent) => this.#told(track, false, sent));
    }
    for (const text of this.#notes.splice(0)) {
      const bytes = new Uint8Array(NOTE_BYTES);
      const length = putText(new DataView(bytes.buffer), 0, NOTE_BYTES, text);
      put(What.note, length, (at) => slab.bytes.set(bytes.subarray(0, length), at));
    }
    return entries;
  }

  demand(number: number, demand: Demand): void {
    this.#demands.set(number, demand);
    const track = this.#tracks.get(number);
    if (track) track.demand = demand;
  }

  /** Sends and closes a frame. */
  async #send(track: Track, frame: VideoFrame | AudioData): Promise<boolean> {
    try {
      return 'allocationSize' in frame && 'codedWidth' in frame
        ? await sendVideo(this, track, frame)
        : sendAudio(this, track, frame as AudioData);
    } catch (why) {
      track.drop();
      return false;
    } finally {
      frame.close();
    }
  }

  #sendData(track: Track, data: Uint8Array, event: EventBody | undefined, ptsNs: number | undefined): boolean {
    const now = nowNs();
    if (!track.wants(now)) return false;
    const body: Body = event
      ? { kind: 'event', code: event.code, subject: event.subject ?? 0, arg: event.arg ?? 0 }
      : { kind: 'opaque' };
    let went = false;
    const entry = this.outbox.push(What.frame, data.length, 'rest', track, ({ slab, at }) => {
      slab.bytes.set(data, at + RECORD);
      putDescriptor(slab.view, at + DESCRIPTOR, {
        ...frameOf(track, ptsNs, now, data.length),
        flags: Flag.estimatedTs,
        body,
      });
    });
    entry.sent = (sent) => (went = sent);
    this.outbox.flush();
    return went;
  }

  /** A last frame without content, of the format that the track has had. */
  #sendEnd(track: Track): void {
    const { last } = track;
    if (!last && track.info.kind !== 'data') return;
    const body: Body = !last
      ? { kind: 'opaque' }
      : last.kind === 'video'
        ? { ...last, planes: [] }
        : { ...last, frames: 0, planeStride: 0, position: track.advance(0) };
    this.outbox.push(What.frame, 0, 'rest', track, ({ slab, at }) =>
      putDescriptor(slab.view, at + DESCRIPTOR, {
        ...frameOf(track, undefined, nowNs(), 0),
        flags: Flag.eos | Flag.estimatedTs,
        body,
      }),
    );
  }

  /** Tells of a track now, or as soon as there is room: behind all that was to be told before. */
  #tell(track: Track, ended: boolean): void {
    if (this.#untold.length > 0) this.#untold.push({ track, ended });
    else this.#tellTrack(track, ended);
  }

  #tellTrack(track: Track, ended: boolean): void {
    const entry = this.outbox.push(What.track, TRACK_BYTES, 'rest', undefined, ({ slab, at }) => {
      slab.bytes.fill(0, at + RECORD, at + RECORD + TRACK_BYTES);
      putTrack(slab.view, at + RECORD, track.number, ended, track.info);
    });
    entry.sent = (sent) => this.#told(track, ended, sent);
    this.outbox.flush();
  }

  #told(track: Track, ended: boolean, sent: boolean): void {
    if (!sent) this.#untold.push({ track, ended });
    else if (!ended) track.announced = true;
  }

  #tellRest(): void {
    const untold = this.#untold.splice(0);
    untold.forEach(({ track, ended }) => this.#tell(track, ended));
  }

  #tellCounters(track: Track): void {
    const { frames, bytes, dropped, unwanted } = track.stats;
    this.outbox.push(What.counters, COUNTERS_BYTES, 'rest', undefined, ({ slab, at }) => {
      slab.bytes.fill(0, at + RECORD, at + RECORD + COUNTERS_BYTES);
      putCounters(slab.view, at + RECORD, track.number, [frames, bytes, dropped, unwanted]);
    });
  }

  #tellNote(text: string): void {
    const bytes = new Uint8Array(NOTE_BYTES);
    const length = putText(new DataView(bytes.buffer), 0, NOTE_BYTES, text);
    this.outbox.push(What.note, length, 'rest', undefined, ({ slab, at }) =>
      slab.bytes.set(bytes.subarray(0, length), at + RECORD),
    );
  }

  #count(): void {
    if (!this.consumer) return;
    for (const track of this.#tracks.values()) {
      const { frames, dropped, unwanted } = track.stats;
      const all = frames + dropped + unwanted;
      if (this.#counted.get(track) === all) continue;
      this.#counted.set(track, all);
      this.#tellCounters(track);
    }
  }

  #poll(): void {
    try {
      this.#transport?.poll();
      if (this.consumer) this.#tellRest();
    } catch (why) {
      this.#fail(why);
    }
  }

  #fail(why: unknown): void {
    this.#timers.forEach(clearInterval);
    const transport = this.#transport;
    this.#transport = this.outbox.transport = undefined;
    for (const track of this.#tracks.values()) track.stop?.();
    void transport?.close().catch(() => {});
    this.#events.broke(FrameRingError.from(why, 'failed', 'the transport broke'));
  }
}
