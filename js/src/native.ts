//! A ring of a browser that has rings itself: the global `FrameRing` of the patched Chromium. Feature-detected, and thin.

import type { Backend, WriteData, WriteOptions } from './backend';
import { FrameRingError } from './error';
import type { RingStats, TrackInfo } from './messages';

interface NativeRing {
  readonly framesWritten: number;
  readonly framesDropped: number;
  readonly bytesWritten: number;
  readonly closed: boolean;
  attach(track: MediaStreamTrack, options: { label: string; tag: number }): number;
  detach(id: number): void;
  write(id: number, data: BufferSource | VideoFrame | AudioData, options?: { label: string; tag: number }): boolean;
  close(): void;
}

interface NativeConstructor {
  new (): NativeRing;
  open(options: { name: string; minCapacity: number }): Promise<NativeRing>;
}

// Taken before the classic script puts its own in that place.
const native: NativeConstructor | undefined = find();

function find(): NativeConstructor | undefined {
  const found = (globalThis as { FrameRing?: NativeConstructor }).FrameRing;
  return typeof found?.open === 'function' && 'attach' in (found.prototype as object) ? found : undefined;
}

/** Whether this browser has rings itself. */
export function hasNative(): boolean {
  return native !== undefined;
}

export class NativeBackend implements Backend {
  readonly transport = 'patched';
  readonly why = undefined;
  readonly closed: Promise<Error | undefined>;
  #close: (why: undefined) => void = () => {};
  // Numbers of tracks that the page writes to are its own.
  readonly #infos = new Map<number, TrackInfo>();
  readonly #attached = new Set<number>();
  #last = 1 << 16;

  private constructor(private readonly ring: NativeRing) {
    this.closed = new Promise((resolve) => (this.#close = resolve));
  }

  static async open(name: string, bytes: number): Promise<NativeBackend> {
    if (!native) {
      throw new FrameRingError('no-patched-browser', "this browser has no FrameRing of its own; use transport 'lane' or 'websocket'");
    }
    try {
      return new NativeBackend(await native.open({ name, minCapacity: bytes }));
    } catch (why) {
      throw FrameRingError.from(why, 'no-patched-browser', "the browser's own FrameRing did not open");
    }
  }

  open(info: TrackInfo): number {
    this.#infos.set(++this.#last, info);
    return this.#last;
  }

  capture(track: MediaStreamTrack, info: TrackInfo, ended: () => void): number {
    const number = this.ring.attach(track, { label: info.label, tag: info.sourceId });
    this.#attached.add(number);
    track.addEventListener('ended', ended, { once: true });
    return number;
  }

  end(number: number): void {
    this.#infos.delete(number);
    if (this.#attached.delete(number)) this.ring.detach(number);
  }

  async write(number: number, data: WriteData, _options: WriteOptions): Promise<boolean> {
    const info = this.#infos.get(number);
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    return info ? this.ring.write(number, bytes, { label: info.label, tag: info.sourceId }) : this.ring.write(number, bytes);
  }

  note(): void {}

  async stats(): Promise<RingStats> {
    return { transport: 'patched', consumer: !this.ring.closed, epochs: 1, tracks: {} };
  }

  async close(): Promise<void> {
    this.ring.close();
    this.#close(undefined);
  }
}
