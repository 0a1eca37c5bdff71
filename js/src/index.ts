/**
 * Raw audio and video out of a page, into shared memory or over a WebSocket.
 *
 * ```ts
 * const ring = await FrameRing.open({ url: 'ws://127.0.0.1:9000/' });
 * const capture = ring.captureTrack(track, { label: 'Ada', source: 'camera' });
 * ```
 * @packageDocumentation
 */

import { Auto, type AutoConfig } from './auto';
import type { Backend, WriteData, WriteOptions } from './backend';
import { FrameRingError } from './error';
import type { RingStats, TrackInfo, TrackKind, TrackSource, TrackStats } from './messages';
import { NativeBackend, hasNative } from './native';
import { WorkerBackend } from './worker-backend';

export type { Auto, AutoConfig, Found } from './auto';
export type { WriteData, WriteOptions } from './backend';
export { FrameRingError, type FrameRingErrorCode } from './error';
export type { EventBody, RingStats, TrackKind, TrackSource, TrackStats } from './messages';

/** How a ring is opened. */
export interface OpenOptions {
  /**
   * - `lane`: a file of the origin private file system, which a consumer on this machine has mapped.
   * - `websocket`: the same entries over a WebSocket to {@link OpenOptions.url}.
   * - `patched`: the browser's own rings.
   * - `auto` (default): the browser's own rings if it has them; else a lane; else, if no consumer takes the lane in time
   *   or none can be made, the WebSocket if there is a URL.
   */
  transport?: 'auto' | 'lane' | 'websocket' | 'patched';
  /** Where the consumer listens, `ws://127.0.0.1:PORT/`. */
  url?: string;
  /** The ring's name, for people: 64 bytes of UTF-8. */
  name?: string;
  /** Data bytes of a lane, 64 MiB by default; halved down to 1 MiB where the quota is smaller. */
  bytes?: number;
  /** Entries of a lane that can be in use at once, a power of two, 2 to 1024; 1024 by default. */
  entries?: number;
  /** How long blocks of sound wait at most to share one write, ms; 10 by default. */
  audioBatchMs?: number;
  /** How long `auto` waits for a consumer to take the lane, ms; 2000 by default. */
  consumerTimeoutMs?: number;
  /** Where `dist/worker.js` is served, for pages whose Content-Security-Policy forbids workers from `blob:` URLs. */
  workerUrl?: string;
}

/** What is told of a track. */
export interface TrackOptions {
  /** Who or what is in it, for people: 56 bytes of UTF-8. */
  label?: string;
  source?: TrackSource;
  /** A number of whoever is in it now; in each frame. */
  sourceId?: number;
  /** The platform's id of the participant: 40 bytes of UTF-8. */
  participant?: string;
}

/** A media track on its way into the ring. */
export interface Capture {
  /** The number that its frames carry. */
  readonly id: number;
  /** Resolves when the track has ended or was stopped. */
  readonly ended: Promise<void>;
  /** Ends the capture; the media track itself goes on. */
  stop(): void;
  stats(): Promise<TrackStats>;
}

const MIB = 1 << 20;
const PAGE = 4096;
const LEAST_BYTES = 65536;
const MOST_BYTES = 8 * 1024 * MIB;
const SOURCES: Record<string, TrackSource> = { video: 'camera', audio: 'microphone' };

/** A ring that this page writes to. One worker carries all of its tracks. */
export class FrameRing {
  readonly #backend: Backend;

  private constructor(backend: Backend) {
    this.#backend = backend;
  }

  /**
   * Opens a ring. With `lane` no consumer need be there yet: what is captured before one comes is not copied.
   * @throws {@link FrameRingError}
   */
  static async open(options: OpenOptions = {}): Promise<FrameRing> {
    const { transport = 'auto', name = '', bytes = 64 * MIB, entries = 1024 } = options;
    if (!(bytes >= LEAST_BYTES && bytes <= MOST_BYTES && bytes % PAGE === 0)) {
      throw new FrameRingError('bad-argument', `options.bytes is ${bytes}; it must be a multiple of 4096, 65536 to 8 GiB`);
    }
    if (!(entries >= 2 && entries <= 1024 && Number.isInteger(Math.log2(entries)))) {
      throw new FrameRingError('bad-argument', `options.entries is ${entries}; it must be a power of two, 2 to 1024`);
    }
    if (transport === 'patched' || (transport === 'auto' && hasNative())) {
      return new FrameRing(await NativeBackend.open(name));
    }
    const { url, audioBatchMs = 10, consumerTimeoutMs = 2000, workerUrl } = options;
    const pageUrl = location.href.replace(/[?#].*$/s, '');
    const all = { transport, url, name, pageUrl, bytes, entries, audioBatchMs, consumerTimeoutMs };
    return new FrameRing(await WorkerBackend.open(all, workerUrl));
  }

  /** Captures the media tracks of a page that knows nothing of rings: see {@link AutoConfig}. */
  static auto(config: AutoConfig = {}): Auto {
    return new Auto(config, (options) => FrameRing.open(options));
  }

  /** What carries the frames. */
  get transport(): RingStats['transport'] {
    return this.#backend.transport;
  }

  /** Why that is not what was asked for first, if so. */
  get why(): string | undefined {
    return this.#backend.why;
  }

  /** Resolves when nothing can be sent any more: with the reason, unless the ring was closed by {@link FrameRing.close}. */
  get closed(): Promise<Error | undefined> {
    return this.#backend.closed;
  }

  /**
   * Sends the frames of a media track from now on until it ends. The consumer's demand decides what is copied; a greatest
   * size is not honoured, because a `VideoFrame` cannot be scaled while it is copied.
   */
  captureTrack(track: MediaStreamTrack, options: TrackOptions = {}): Capture {
    const kind: TrackKind = track.kind === 'audio' ? 'audio' : 'video';
    let over = () => {};
    const ended = new Promise<void>((resolve) => (over = resolve));
    const id = this.#backend.capture(track, infoOf(kind, { label: track.label, source: SOURCES[kind] ?? 'unknown', ...options }), over);
    let last: TrackStats = { frames: 0, bytes: 0, dropped: 0, unwanted: 0 };
    return {
      id,
      ended,
      stop: () => this.#backend.end(id),
      stats: async () => (last = (await this.#backend.stats()).tracks[id] ?? last),
    };
  }

  /** Opens a track that the page writes to itself; the number for {@link FrameRing.write}. */
  track(options: TrackOptions & { kind?: TrackKind } = {}): number {
    return this.#backend.open(infoOf(options.kind ?? 'data', options), () => {});
  }

  /** Ends a track. */
  endTrack(id: number): void {
    this.#backend.end(id);
  }

  /**
   * Sends one frame: bytes or text as an opaque frame, or an event; or a picture or a block of sound, which stays the
   * caller's to close. Whether it went out: `false` if it was dropped or is not wanted.
   */
  write(id: number, data: WriteData, options: WriteOptions = {}): Promise<boolean> {
    return this.#backend.write(id, data, options);
  }

  /** Tells the consumer's operator something: 1024 bytes of UTF-8. */
  note(text: string): void {
    this.#backend.note(text);
  }

  stats(): Promise<RingStats> {
    return this.#backend.stats();
  }

  /** Ends all tracks and takes the ring away. */
  close(): Promise<void> {
    return this.#backend.close();
  }
}

function infoOf(kind: TrackKind, { label = '', source = 'unknown', sourceId = 0, participant = '' }: TrackOptions): TrackInfo {
  return { kind, source, sourceId, label, participant };
}
