//! A ring of a browser that has rings itself: the global `FrameRing` of the patched Chromium. Feature-detected, and thin.

import type { Backend, WriteData, WriteOptions } from './backend';
import { FrameRingError } from './error';
import type { RingStats, TrackInfo, TrackStats } from './messages';

/** `FrameRingStreamOptions` of the browser's interface. */
type NativeStreamOptions = Pick<TrackInfo, 'label' | 'source' | 'sourceId' | 'participant'>;

/** `FrameRingStreamStats`; frames that cannot be read are among the dropped. */
interface NativeStreamStats extends TrackStats {
  unreadable: number;
}

interface NativeRing {
  readonly closed: boolean;
  attach(track: MediaStreamTrack, options: NativeStreamOptions): number;
  detach(id: number): void;
  write(id: number, data: BufferSource | VideoFrame | AudioData, options: NativeStreamOptions): boolean;
  getStats(id: number): NativeStreamStats;
  close(): void;
}

interface NativeConstructor {
  new (): NativeRing;
  open(options: { name: string }): Promise<NativeRing>;
}

/** A track: one that is attached, or one that the page writes to. */
interface Stream {
  options: NativeStreamOptions;
  media: MediaStreamTrack | undefined;
  /** Whether the ring knows it: of one that is written to it hears with the first frame. */
  begun: boolean;
  ended: () => void;
}

/** How often the ring is asked whether it is closed: it tells nobody. */
const LOOK_MS = 500;

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
  #close: (why: Error | undefined) => void = () => {};
  readonly #streams = new Map<number, Stream>();
  readonly #look: ReturnType<typeof setInterval>;
  // Numbers of tracks that the page writes to are its own, 1 to 2^31 - 1; the ring's begin behind these.
  #last = 0;

  private constructor(private readonly ring: NativeRing) {
    this.closed = new Promise((resolve) => (this.#close = resolve));
    this.#look = setInterval(() => this.#lookAround(), LOOK_MS);
  }

  static async open(name: string): Promise<NativeBackend> {
    if (!native) {
      throw new FrameRingError('no-patched-browser', "this browser has no FrameRing of its own; use transport 'lane' or 'websocket'");
    }
    try {
      return new NativeBackend(await native.open({ name }));
    } catch (why) {
      throw FrameRingError.from(why, 'no-patched-browser', "the browser's own FrameRing did not open");
    }
  }

  open(info: TrackInfo, ended: () => void): number {
    this.#streams.set(++this.#last, { options: optionsOf(info), media: undefined, begun: false, ended });
    return this.#last;
  }

  capture(media: MediaStreamTrack, info: TrackInfo, ended: () => void): number {
    const options = optionsOf(info);
    let number: number;
    try {
      number = this.ring.attach(media, options);
    } catch (why) {
      throw FrameRingError.from(why, 'no-capture', `the track ${media.id} (${media.readyState}) cannot be attached`);
    }
    this.#streams.set(number, { options, media, begun: true, ended });
    media.addEventListener('ended', () => this.end(number), { once: true });
    return number;
  }

  end(number: number): void {
    const stream = this.#streams.get(number);
    if (!stream) return;
    this.#streams.delete(number);
    if (stream.begun) this.ring.detach(number);
    stream.ended();
  }

  async write(number: number, data: WriteData, { event, pts }: WriteOptions): Promise<boolean> {
    if (event || pts !== undefined) {
      throw new FrameRingError('bad-argument', "the browser's own rings take no events, and no times but those of pictures and sound");
    }
    const stream = this.#streams.get(number);
    if (!stream || stream.media) throw new FrameRingError('bad-argument', `${number} is no track to write to`);
    const frame = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    try {
      const written = this.ring.write(number, frame, stream.options);
      stream.begun = true;
      return written;
    } catch (why) {
      throw FrameRingError.from(why, this.ring.closed ? 'closed' : 'failed', 'the frame could not be written');
    }
  }

  note(): void {}

  async stats(): Promise<RingStats> {
    const tracks: Record<number, TrackStats> = {};
    for (const [number, { begun }] of this.#streams) tracks[number] = begun ? this.#statsOf(number) : NOTHING;
    return { transport: 'patched', consumer: !this.ring.closed, epochs: 1, tracks };
  }

  async close(): Promise<void> {
    this.ring.close();
    this.#end(undefined);
  }

  #statsOf(number: number): TrackStats {
    try {
      const { frames, bytes, dropped, unwanted } = this.ring.getStats(number);
      return { frames, bytes, dropped, unwanted };
    } catch {
      // A ring that is closed has forgotten its streams.
      return NOTHING;
    }
  }

  #lookAround(): void {
    if (this.ring.closed) return this.#end(new FrameRingError('closed', 'the consumer has left'));
    // A page that stops a track itself is not told of its end.
    for (const [number, { media }] of this.#streams) if (media?.readyState === 'ended') this.end(number);
  }

  #end(why: Error | undefined): void {
    clearInterval(this.#look);
    for (const { ended } of this.#streams.values()) ended();
    this.#streams.clear();
    this.#close(why);
  }
}

const NOTHING: TrackStats = { frames: 0, bytes: 0, dropped: 0, unwanted: 0 };

function optionsOf({ label, source, sourceId, participant }: TrackInfo): NativeStreamOptions {
  return { label, source, sourceId, participant };
}
