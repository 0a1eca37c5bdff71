//! A ring through our worker: numbers of tracks, questions and answers, bounded writes.

import type { Backend, WriteData, WriteOptions } from './backend';
import { FrameRingError } from './error';
import type { FromWorker, Opened, Payload, RingStats, ToWorker, TrackInfo, WorkerOptions } from './messages';
import { spawn } from './spawn';

const TRACKS = 128;
/** What may be on its way to the worker by `write`. */
const WRITES = 256;
const WRITE_BYTES = 32 << 20;
/** Frames that wait for the worker in the browser. Pictures are large; sound must not be lost while the worker copies one. */
const QUEUE = { video: 2, audio: 100 };

type Ask = { [M in ToWorker as M['op']]: M extends { ask: number } ? Omit<M, 'ask'> : never }[ToWorker['op']];
interface Waiting {
  resolve(value: unknown): void;
  reject(why: FrameRingError): void;
}

export class WorkerBackend implements Backend {
  transport: RingStats['transport'] = 'lane';
  why: string | undefined;
  readonly closed: Promise<Error | undefined>;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #tracks = new Map<number, { ended: () => void; dropped: number }>();
  #asked = 0;
  #lastNumber = 0;
  #writing = { frames: 0, bytes: 0 };
  #over: FrameRingError | undefined;
  #close: (why: Error | undefined) => void = () => {};

  private constructor(worker: Worker) {
    this.#worker = worker;
    this.closed = new Promise((resolve) => (this.#close = resolve));
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#take(data);
    worker.onerror = ({ message }) => this.#end(new FrameRingError('failed', `the worker failed: ${message}`));
  }

  static async open(options: WorkerOptions, workerUrl: string | undefined): Promise<WorkerBackend> {
    const backend = new WorkerBackend(await spawn(workerUrl));
    try {
      const { transport, why } = (await backend.#ask({ op: 'open', options })) as Opened;
      backend.transport = transport;
      backend.why = why;
      return backend;
    } catch (why) {
      backend.#worker.terminate();
      throw why;
    }
  }

  open(info: TrackInfo, ended: () => void): number {
    const number = this.#number();
    this.#tracks.set(number, { ended, dropped: 0 });
    this.#say({ op: 'track', number, info });
    return number;
  }

  capture(track: MediaStreamTrack, info: TrackInfo, ended: () => void): number {
    const readable = readableOf(track);
    const number = this.open(info, ended);
    this.#say({ op: 'capture', number, readable }, [readable]);
    return number;
  }

  end(number: number): void {
    this.#say({ op: 'end', number });
  }

  async write(number: number, data: WriteData, { event, pts }: WriteOptions): Promise<boolean> {
    const track = this.#tracks.get(number);
    if (!track) throw new FrameRingError('bad-argument', `there is no open track ${number}`);
    const bytes = sizeOf(data);
    if (this.#writing.frames >= WRITES || this.#writing.bytes + bytes > WRITE_BYTES) {
      track.dropped += 1;
      return false;
    }
    this.#writing.frames += 1;
    this.#writing.bytes += bytes;
    try {
      const { dropped } = track;
      track.dropped = 0;
      const payload = payloadOf(data);
      const message = { op: 'write', number, data: payload, dropped, ...(event && { event }), ...(pts !== undefined && { ptsNs: pts * 1e6 }) } as const;
      return (await this.#ask(message, [payload])) === true;
    } finally {
      this.#writing.frames -= 1;
      this.#writing.bytes -= bytes;
    }
  }

  note(text: string): void {
    this.#say({ op: 'note', text });
  }

  async stats(): Promise<RingStats> {
    return (await this.#ask({ op: 'stats' })) as RingStats;
  }

  async close(): Promise<void> {
    if (this.#over) return;
    await this.#ask({ op: 'close' });
    this.#end(undefined);
  }

  #number(): number {
    if (this.#over) throw this.#over;
    // A number that was just freed rests as long as there are others.
    for (let i = 0; i < TRACKS; i++) {
      this.#lastNumber = (this.#lastNumber % TRACKS) + 1;
      if (!this.#tracks.has(this.#lastNumber)) return this.#lastNumber;
    }
    throw new FrameRingError('too-many-tracks', `a ring has ${TRACKS} tracks at most; end some`);
  }

  #say(message: ToWorker, transfer: unknown[] = []): void {
    if (!this.#over) this.#worker.postMessage(message, transfer as Transferable[]);
  }

  #ask(message: Ask, transfer: unknown[] = []): Promise<unknown> {
    if (this.#over) return Promise.reject(this.#over);
    const ask = ++this.#asked;
    return new Promise((resolve, reject) => {
      this.#waiting.set(ask, { resolve, reject });
      this.#say({ ...message, ask } as ToWorker, transfer);
    });
  }

  #take(message: FromWorker): void {
    switch (message.op) {
      case 'answer':
        this.#waiting.get(message.ask)?.resolve(message.value);
        this.#waiting.delete(message.ask);
        return;
      case 'refused': {
        const why = new FrameRingError(message.code, message.message);
        if (message.ask === 0) return this.#end(why);
        this.#waiting.get(message.ask)?.reject(why);
        this.#waiting.delete(message.ask);
        return;
      }
      case 'ended': {
        const track = this.#tracks.get(message.number);
        this.#tracks.delete(message.number);
        return track?.ended();
      }
    }
  }

  #end(why: FrameRingError | undefined): void {
    if (this.#over) return;
    this.#over = why ?? new FrameRingError('closed', 'the ring is closed');
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(this.#over);
    this.#waiting.clear();
    for (const { ended } of this.#tracks.values()) ended();
    this.#tracks.clear();
    this.#close(why);
  }
}

function readableOf(track: MediaStreamTrack): ReadableStream {
  if (typeof MediaStreamTrackProcessor === 'undefined') {
    throw new FrameRingError('no-capture', 'no MediaStreamTrackProcessor: the browser is not a Chromium, or one from before 94');
  }
  try {
    const maxBufferSize = track.kind === 'video' ? QUEUE.video : QUEUE.audio;
    return new MediaStreamTrackProcessor({ track: track as MediaStreamVideoTrack, maxBufferSize }).readable;
  } catch (why) {
    throw FrameRingError.from(why, 'no-capture', `no frames can be had of the track ${track.id} (${track.readyState})`);
  }
}

function sizeOf(data: WriteData): number {
  if (typeof data === 'string') return data.length * 3;
  if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return data.byteLength;
  return 0;
}

/** A copy that can be given away. */
function payloadOf(data: WriteData): Payload {
  if (typeof data === 'string') return new TextEncoder().encode(data).buffer as ArrayBuffer;
  if (data instanceof ArrayBuffer) return data.slice(0);
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice().buffer as ArrayBuffer;
  }
  return data.clone();
}
