//! The same entries over a WebSocket: "The same over a WebSocket" in docs/abi.md. Owns the connection, and makes a new one
//! when it is lost.

import { FrameRingError } from '../error';
import { type Share, part, rounded } from './books';
import { type Entry, type Transport, type User, drop, stamp } from './transport';
import { readDemand } from './track';

const PROTOCOL = 'frame-ring.v1';
const CREDIT = 1;
const DEMAND = 2;
const CONNECT_MS = 5000;
const CLOSE_MS = 1000;
const RETRY_MS = [500, 1000, 2000, 5000] as const;

export class Socket implements Transport {
  readonly kind = 'websocket';
  #socket: WebSocket | undefined;
  #window = 0;
  #sent = 0;
  #taken = 0;
  #credited = false;
  #retries = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  private constructor(
    private readonly url: string,
    private readonly user: User,
  ) {}

  /** Connects, and waits for the first credit. */
  static async open(url: string, user: User): Promise<Socket> {
    const socket = new Socket(url, user);
    try {
      await socket.#connect();
    } catch (why) {
      await socket.close();
      throw FrameRingError.from(why, 'websocket-failed', `no WebSocket to ${url}`);
    }
    return socket;
  }

  get consumer(): boolean {
    return this.#credited;
  }

  room(bytes: number, share: Share): boolean {
    const onWay = this.#sent - this.#taken;
    return this.#credited && (onWay === 0 || onWay + rounded(bytes) <= part(this.#window, share));
  }

  post(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (!this.room(entry.bytes, entry.share)) {
        drop(entry);
        continue;
      }
      stamp(entry);
      this.#socket?.send(entry.slab.bytes.subarray(entry.at, entry.at + entry.bytes));
      this.#sent += rounded(entry.bytes);
      entry.sent?.(true);
    }
  }

  poll(): void {}

  async close(): Promise<void> {
    this.#closed = true;
    this.#credited = false;
    clearTimeout(this.#retryTimer);
    const socket = this.#socket;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    // What was sent is sent before the closing handshake; a worker that ends earlier takes it along.
    const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
    socket.close();
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, CLOSE_MS))]);
  }

  /** Resolves at the first credit. */
  #connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.url, PROTOCOL);
      socket.binaryType = 'arraybuffer';
      this.#socket = socket;
      this.#sent = this.#taken = 0;
      const refuse = (what: string) => reject(new FrameRingError('websocket-failed', `WebSocket to ${this.url}: ${what}`));
      const late = setTimeout(() => {
        refuse(`no credit within ${CONNECT_MS} ms`);
        socket.close();
      }, CONNECT_MS);
      socket.onmessage = ({ data }) => {
        if (!(data instanceof ArrayBuffer) || socket !== this.#socket) return;
        if (!this.#take(new DataView(data))) return;
        clearTimeout(late);
        resolve();
      };
      // Of a connection that a policy forbids there is an error, and no close.
      socket.onerror = () => {
        clearTimeout(late);
        refuse(
          'is the consumer there? A Content-Security-Policy (connect-src) or, on public pages, Local Network Access ' +
            '(permission loopbackNetwork) may forbid it too',
        );
      };
      socket.onclose = ({ code }) => {
        clearTimeout(late);
        refuse(`closed with code ${code}`);
        if (socket === this.#socket) this.#lost();
      };
    });
  }

  /** Takes a message in; whether it was a credit. */
  #take(message: DataView): boolean {
    if (message.byteLength < 16) return false;
    const what = message.getUint32(0, true);
    if (what === DEMAND && message.byteLength >= 20) {
      this.user.demand(message.getUint32(4, true), readDemand(message, 8));
    }
    if (what !== CREDIT) return false;
    this.#window = message.getUint32(4, true);
    this.#taken = Number(message.getBigUint64(8, true));
    if (!this.#credited) {
      this.#credited = true;
      this.#retries = 0;
      this.post(this.user.beginEpoch());
    }
    return true;
  }

  #lost(): void {
    const was = this.#credited || this.#retries > 0;
    this.#credited = false;
    if (this.#closed || !was) return;
    const wait = RETRY_MS[Math.min(this.#retries, RETRY_MS.length - 1)];
    this.#retries += 1;
    this.#retryTimer = setTimeout(() => void this.#connect().catch(() => {}), wait);
  }
}
