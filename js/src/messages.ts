//! What the page and its worker say to each other. Types alone.

import type { FrameRingErrorCode } from './error';

export type TrackKind = 'video' | 'audio' | 'data';
export type TrackSource = 'unknown' | 'camera' | 'screen' | 'microphone' | 'mixed' | 'tab';

/** What is said of a track when it is opened. */
export interface TrackInfo {
  kind: TrackKind;
  source: TrackSource;
  sourceId: number;
  label: string;
  participant: string;
}

/** An event frame's body; see the chapter "Event body" of docs/descriptor.md. */
export interface EventBody {
  code: number;
  subject?: number;
  arg?: number | bigint;
}

/** What has become of a track's frames since the consumer came. */
export interface TrackStats {
  /** Frames and their payload bytes handed to the consumer. */
  frames: number;
  bytes: number;
  /** Frames lost for want of room, or because they could not be copied. */
  dropped: number;
  /** Frames not copied because nobody wanted them: the track, its rate, or no consumer at all. */
  unwanted: number;
}

export interface RingStats {
  transport: 'lane' | 'websocket' | 'patched';
  /** Whether a consumer is there. */
  consumer: boolean;
  /** How often a consumer has come. */
  epochs: number;
  /** Of all tracks that are open, by their number. */
  tracks: Record<number, TrackStats>;
}

export interface WorkerOptions {
  transport: 'auto' | 'lane' | 'websocket';
  url: string | undefined;
  name: string;
  pageUrl: string;
  bytes: number;
  entries: number;
  audioBatchMs: number;
  consumerTimeoutMs: number;
}

/** The answer to `open`. */
export interface Opened {
  transport: 'lane' | 'websocket';
  /** Why it is not what was asked for first, if so. */
  why?: string;
}

export type Payload = ArrayBuffer | VideoFrame | AudioData;

export type ToWorker =
  | { op: 'open'; ask: number; options: WorkerOptions }
  | { op: 'track'; number: number; info: TrackInfo }
  | { op: 'capture'; number: number; readable: ReadableStream<VideoFrame> | ReadableStream<AudioData> }
  | { op: 'end'; number: number }
  | { op: 'write'; ask: number; number: number; data: Payload; event?: EventBody; ptsNs?: number; dropped: number }
  | { op: 'note'; text: string }
  | { op: 'stats'; ask: number }
  | { op: 'close'; ask: number };

export type FromWorker =
  | { op: 'hello' }
  | { op: 'answer'; ask: number; value: unknown }
  | { op: 'refused'; ask: number; code: FrameRingErrorCode; message: string }
  | { op: 'ended'; number: number };
