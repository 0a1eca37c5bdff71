//! One track as the worker keeps it: its numbers, drops and demand. Sends nothing.

import type { TrackInfo, TrackStats } from '../messages';
import { MediaClock } from './clock';
import { type AudioBody, Flag, type VideoBody, droppedBefore, stampFrame } from './record';

/** What the consumer wants of a track. */
export interface Demand {
  wanted: boolean;
  /** Not honoured: `copyTo` cannot scale. Kept for pages that can. */
  width: number;
  height: number;
  /** Frames per 1000 s, 0 any. */
  fpsMilli: number;
}

export const ANYTHING: Demand = { wanted: true, width: 0, height: 0, fpsMilli: 0 };

/** The demand in the 12 bytes at `at`; the lane and the WebSocket have the same. */
export function readDemand(view: DataView, at: number): Demand {
  return {
    wanted: view.getUint8(at) === 0,
    width: view.getUint16(at + 2, true),
    height: view.getUint16(at + 4, true),
    fpsMilli: view.getUint32(at + 8, true),
  };
}

export class Track {
  demand: Demand = ANYTHING;
  /** Whether the consumer knows of it. Frames of a track that it does not know would be bad ones. */
  announced = false;
  readonly clock = new MediaClock();
  /** Ends the capture that feeds it, if one does. */
  stop: (() => void) | undefined;
  /** The format of its last frame, which its end tells again. */
  last: VideoBody | AudioBody | undefined;
  readonly stats: TrackStats = { frames: 0, bytes: 0, dropped: 0, unwanted: 0 };
  #sequence = 0;
  #droppedBefore = 0;
  #discont = true;
  #dueNs = 0;
  #format: string | undefined;
  #position = 0;

  constructor(
    readonly number: number,
    readonly info: TrackInfo,
  ) {}

  /** A consumer has come: what was before does not concern it. */
  beginEpoch(): void {
    Object.assign(this.stats, { frames: 0, bytes: 0, dropped: 0, unwanted: 0 });
    this.demand = ANYTHING;
    this.announced = false;
    this.#droppedBefore = 0;
    this.#discont = true;
    this.#dueNs = 0;
  }

  /** Whether a frame of the time `monoNs` is wanted; counts it if not. */
  wants(monoNs: number): boolean {
    if (!this.announced || !this.demand.wanted) {
      this.#discont = true;
      this.stats.unwanted += 1;
      return false;
    }
    if (this.demand.fpsMilli === 0) return true;
    // A quarter of the interval early is on time: cameras jitter, and a frame missed halves the rate.
    const interval = 1e12 / this.demand.fpsMilli;
    if (monoNs + interval / 4 < this.#dueNs) {
      this.stats.unwanted += 1;
      return false;
    }
    this.#dueNs = Math.max(this.#dueNs, monoNs - interval / 2) + interval;
    return true;
  }

  /** Counts a block of sound; gives how many sample frames were before it. */
  advance(frames: number): number {
    const position = this.#position;
    this.#position += frames;
    return position;
  }

  /** A frame was lost. */
  drop(frames = 1): void {
    this.#sequence += frames;
    this.#droppedBefore += frames;
    this.stats.dropped += frames;
  }

  /** The frame in the record at `at`, with `bytes` of payload, goes out now: it gets its number. `format` is compared. */
  send(view: DataView, at: number, bytes: number, format: string | undefined): void {
    let flags = this.#discont || this.#droppedBefore > 0 ? Flag.discont : 0;
    if (this.#format !== undefined && format !== undefined && this.#format !== format) flags |= Flag.formatChanged;
    this.#format = format ?? this.#format;
    stampFrame(view, at, this.#sequence, this.#droppedBefore, flags);
    this.#sequence += 1;
    this.#droppedBefore = 0;
    this.#discont = false;
    this.stats.frames += 1;
    this.stats.bytes += bytes;
  }

  /** A frame that got its number did not go out after all. */
  unsend(view: DataView, at: number, bytes: number): void {
    this.#droppedBefore += droppedBefore(view, at) + 1;
    this.stats.frames -= 1;
    this.stats.bytes -= bytes;
    this.stats.dropped += 1;
  }
}

/** What is the same for all frames of a track; number, drops and flags are stamped when it goes out. */
export function frameOf(track: Track, ptsNs: number | undefined, monoNs: number, payloadLen: number) {
  return {
    flags: 0,
    track: track.number,
    source: track.info.sourceId,
    sequence: 0,
    ptsNs,
    monoNs,
    durationNs: 0,
    payloadLen,
    droppedBefore: 0,
  };
}
