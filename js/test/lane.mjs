// The consumer's half of a lane, by docs/abi.md, with positional reads and writes of the file: the same pages that others map.
import { closeSync, fstatSync, openSync, readSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readEntry } from './read.mjs';

/** The lanes under a directory, by magic. */
export function findLanes(directory) {
  const found = [];
  for (const name of readdirSync(directory, { recursive: true })) {
    const path = join(directory, name);
    try {
      if (!statSync(path).isFile()) continue;
      const fd = openSync(path, 'r');
      const magic = Buffer.alloc(8);
      readSync(fd, magic, 0, 8, 0);
      closeSync(fd);
      if (magic.toString('latin1') === 'FRAMLANE') found.push(path);
    } catch {
      // Gone between being listed and being looked at.
    }
  }
  return found;
}

export class LaneConsumer {
  /** All entries that were taken, in order. */
  entries = [];
  pads = 0;
  maxInUse = 0;
  /** While true, nothing is given back. */
  hold = false;
  /** So many are always kept. */
  lag = 0;
  #next = 0;
  #released = 0;
  #at = 0;
  #owed = [];
  #timer;

  constructor(path) {
    this.path = path;
    this.fd = openSync(path, 'r+');
    const header = this.#read(0, 4096);
    this.n = header.readUInt32LE(12);
    this.dataBytes = Number(header.readBigUInt64LE(24));
    this.tracks = header.readUInt32LE(32);
    this.zero = Number(header.readBigUInt64LE(56));
    const text = (at, n) => header.toString('utf8', at, at + n).replace(/\0.*$/s, '');
    this.name = text(64, 64);
    this.url = text(128, 256);
    this.size = fstatSync(this.fd).size;
    writeSync(this.fd, Buffer.alloc(this.n), 0, this.n, 9216);
    this.epoch = (this.#read(8192, 1)[0] % 255) + 1;
    writeSync(this.fd, Buffer.of(this.epoch), 0, 1, 8192);
    this.#timer = setInterval(() => this.#pollOnce(), 2);
    this.#timer.unref();
  }

  /** Whether the page is in this consumer's epoch. */
  get agreed() {
    return this.#read(4096, 1)[0] === this.epoch;
  }

  demand(track, { off = false, width = 0, height = 0, fpsMilli = 0 }) {
    const b = Buffer.alloc(16);
    b[0] = off ? 1 : 0;
    b.writeUInt16LE(width, 2);
    b.writeUInt16LE(height, 4);
    b.writeUInt32LE(fpsMilli, 8);
    writeSync(this.fd, b, 0, 16, 10240 + 16 * (track - 1));
  }

  poll() {
    if (!this.agreed) return;
    const posted = this.#read(5120, this.n);
    for (;;) {
      const byte = posted[this.#next % this.n];
      const lap = this.#lap(this.#next);
      if ((byte & 127) !== lap) {
        const before = this.#next < this.n ? 0 : this.#lap(this.#next - this.n);
        if ((byte & 127) !== before) throw new Error(`poisoned: entry ${this.#next} has ${byte}`);
        break;
      }
      this.#take(byte > 127);
    }
    if (!this.hold) this.release();
  }

  /** What is against the text fails the test that is running, once. */
  #pollOnce() {
    try {
      this.poll();
    } catch (why) {
      clearInterval(this.#timer);
      throw why;
    }
  }

  release() {
    for (; this.#owed.length > this.lag; this.#released++) {
      this.#owed.shift();
      writeSync(this.fd, Buffer.of(this.#lap(this.#released)), 0, 1, 9216 + (this.#released % this.n));
    }
  }

  stop() {
    clearInterval(this.#timer);
    closeSync(this.fd);
  }

  #take(pad) {
    const left = this.dataBytes - this.#at;
    let length = left;
    if (pad) this.pads += 1;
    else {
      const bytes = this.#read(12288 + this.#at, 4).readUInt32LE(0);
      length = Math.ceil(bytes / 64) * 64;
      if (length > left) throw new Error(`an entry of ${bytes} bytes where ${left} are left`);
      this.entries.push(readEntry(this.#read(12288 + this.#at, length)));
    }
    this.#at = (this.#at + length) % this.dataBytes;
    this.#next += 1;
    this.#owed.push(length);
    this.maxInUse = Math.max(this.maxInUse, this.#owed.reduce((a, b) => a + b, 0));
    if (this.maxInUse > this.dataBytes || this.#owed.length > this.n) throw new Error('more in use than there is');
  }

  #lap(entry) {
    return (Math.floor(entry / this.n) % 127) + 1;
  }

  #read(at, n) {
    const b = Buffer.alloc(n);
    const got = readSync(this.fd, b, 0, n, at);
    if (got !== n) throw new Error(`read ${got} of ${n} bytes at ${at}`);
    return b;
  }
}
