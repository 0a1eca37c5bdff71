//! Captures the media tracks of a page that knows nothing of rings, by watching where it gets them from. Never breaks it.

import type { Capture, FrameRing, OpenOptions, TrackOptions } from './index';
import type { TrackSource } from './messages';

/** A media track that was found. */
export interface Found {
  track: MediaStreamTrack;
  streams: readonly MediaStream[];
  from: 'peer-connection' | 'local' | 'element';
  /** What it is, as far as that is known. */
  source: TrackSource;
}

/** What {@link FrameRing.auto} captures, and how. */
export interface AutoConfig extends OpenOptions {
  /** Remote tracks of every `RTCPeerConnection` that is made from now on; default. */
  remote?: boolean;
  /** What `getUserMedia` and `getDisplayMedia` give the page. */
  local?: boolean;
  /** Tracks of every stream that the page shows in an element by `srcObject`. */
  elements?: boolean;
  /** What is told of a track; `null` leaves it out. By default label and participant are the ids of track and stream. */
  describe?: (found: Found) => TrackOptions | null | undefined;
  /** Told of what could not be captured; `console.warn` by default. */
  onError?: (why: unknown) => void;
}

/** A running {@link FrameRing.auto}. */
export class Auto {
  /** The captures so far, by media track. */
  readonly captures = new Map<MediaStreamTrack, Capture>();
  readonly #config: AutoConfig;
  readonly #open: (options: OpenOptions) => Promise<FrameRing>;
  readonly #seen = new WeakSet<MediaStreamTrack>();
  readonly #players = new Map<MediaStreamTrack, HTMLAudioElement>();
  #ring: Promise<FrameRing> | undefined;
  #stopped = false;

  /** @internal */
  constructor(config: AutoConfig, open: (options: OpenOptions) => Promise<FrameRing>) {
    this.#config = config;
    this.#open = open;
    if (config.remote ?? true) this.#hookPeerConnections();
    if (config.local) this.#hookMediaDevices();
    if (config.elements) this.#hookElements();
  }

  /** The ring; opened with the first track, or now. */
  get ring(): Promise<FrameRing> {
    if (!this.#ring) {
      this.#ring = this.#open(this.#config);
      // The next track tries again.
      this.#ring.catch(() => (this.#ring = undefined));
    }
    return this.#ring;
  }

  /** Ends all captures and closes the ring. What was hooked stays hooked, without effect. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await (await this.#ring?.catch(() => undefined))?.close();
  }

  /** Captures a track, once. */
  async capture(found: Found): Promise<Capture | undefined> {
    const { track } = found;
    if (this.#stopped || this.#seen.has(track) || track.readyState === 'ended') return undefined;
    this.#seen.add(track);
    try {
      const options = this.#describe(found);
      if (options === null) return undefined;
      const ring = await this.ring;
      if (this.#stopped) return undefined;
      const capture = ring.captureTrack(track, options);
      this.captures.set(track, capture);
      if (found.from === 'peer-connection' && track.kind === 'audio') this.#play(track);
      void capture.ended.then(() => this.#forget(track));
      return capture;
    } catch (why) {
      this.#seen.delete(track);
      this.#report(why);
      return undefined;
    }
  }

  #describe(found: Found): TrackOptions | null {
    const told = this.#config.describe?.(found);
    if (told === null) return null;
    const { track, streams, source, from } = found;
    // All remote tracks have the same few labels.
    const label = from === 'peer-connection' ? track.id : track.label || track.id;
    return { label, participant: streams[0]?.id ?? '', source, ...told };
  }

  // Remote sound flows only while somebody plays it.
  #play(track: MediaStreamTrack): void {
    const player = new Audio();
    player.muted = true;
    player.srcObject = new MediaStream([track]);
    this.#players.set(track, player);
    player.play().catch((why) => this.#report(why));
  }

  #forget(track: MediaStreamTrack): void {
    this.captures.delete(track);
    const player = this.#players.get(track);
    this.#players.delete(track);
    if (player) player.srcObject = null;
  }

  #report(why: unknown): void {
    if (this.#config.onError) this.#config.onError(why);
    else console.warn('frame-ring:', why);
  }

  #hookPeerConnections(): void {
    const scope = globalThis as unknown as Record<string, unknown>;
    const native = scope.RTCPeerConnection as typeof RTCPeerConnection | undefined;
    if (!native) return;
    const watch = (connection: RTCPeerConnection) =>
      connection.addEventListener('track', ({ track, streams }) => {
        void this.capture({ track, streams, from: 'peer-connection', source: 'unknown' });
      });
    const hooked = new Proxy(native, {
      construct(target, args, newTarget) {
        const connection = Reflect.construct(target, args, newTarget) as RTCPeerConnection;
        watch(connection);
        return connection;
      },
    });
    native.prototype.constructor = hooked;
    for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection']) replace(scope, name, hooked);
  }

  #hookMediaDevices(): void {
    const devices = globalThis.MediaDevices?.prototype as unknown as Record<string, unknown> | undefined;
    if (!devices) return;
    const found = (stream: MediaStream, video: TrackSource, audio: TrackSource) => {
      for (const track of stream.getTracks()) {
        void this.capture({ track, streams: [stream], from: 'local', source: track.kind === 'video' ? video : audio });
      }
    };
    for (const name of ['getUserMedia', 'getDisplayMedia']) {
      const native = devices[name];
      if (typeof native !== 'function') continue;
      const apply = (target: object, self: unknown, args: unknown[]) => {
        const asked = Reflect.apply(target as () => Promise<MediaStream>, self, args as []);
        const screen = name === 'getDisplayMedia';
        asked.then((stream) => found(stream, screen ? 'screen' : 'camera', screen ? 'tab' : 'microphone')).catch(() => {});
        return asked;
      };
      replace(devices, name, new Proxy(native, { apply }));
    }
  }

  #hookElements(): void {
    const prototype = globalThis.HTMLMediaElement?.prototype;
    const native = prototype && Object.getOwnPropertyDescriptor(prototype, 'srcObject');
    if (!native?.set) return;
    const look = (stream: unknown) => {
      if (!(stream instanceof MediaStream)) return;
      const all = () => {
        for (const track of stream.getTracks()) void this.capture({ track, streams: [stream], from: 'element', source: 'unknown' });
      };
      stream.addEventListener('addtrack', all);
      all();
    };
    const players = this.#players;
    const set = new Proxy(native.set, {
      apply(target, self, args: [unknown]) {
        Reflect.apply(target, self, args);
        if (![...players.values()].includes(self as HTMLAudioElement)) look(args[0]);
      },
    });
    Object.defineProperty(prototype, 'srcObject', { ...native, set });
  }
}

/** Puts another value in the place of a property, looking as it did. */
function replace(owner: Record<string, unknown>, name: string, value: unknown): void {
  const was = Object.getOwnPropertyDescriptor(owner, name);
  if (was) Object.defineProperty(owner, name, { ...was, value });
}
