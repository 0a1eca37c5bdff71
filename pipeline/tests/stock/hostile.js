'use strict';
// A page that breaks the rules: it makes a lane by hand, as docs/abi.md says, posts frames, and then shortens the file
// through a second handle, or writes what cannot be.

const DATA = 12288;
const BYTES = 1 << 20;
const ENTRIES = 16;
const FRAMES = 4;
const PAYLOAD = 65536;
const unsafe = { mode: 'readwrite-unsafe' };

let file;
let lane;
let epoch = 0;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const now = () => BigInt(Math.round(performance.now() * 1e6));

function header() {
  const view = new DataView(new ArrayBuffer(4096));
  view.setUint32(8, 1, true);
  view.setUint32(12, ENTRIES, true);
  view.setBigUint64(24, BigInt(BYTES), true);
  view.setUint32(32, 8, true);
  crypto.getRandomValues(new Uint8Array(view.buffer, 40, 16));
  view.setBigUint64(56, BigInt(Math.round(performance.timeOrigin * 1e6)), true);
  new Uint8Array(view.buffer).set(new TextEncoder().encode('hostile'), 64);
  return view;
}

function entry(what, bytes) {
  const view = new DataView(new ArrayBuffer(bytes));
  view.setUint32(0, bytes, true);
  view.setUint16(4, what, true);
  view.setBigUint64(8, now(), true);
  return view;
}

function track() {
  const view = entry(1, 256 + 120);
  view.setUint32(256, 1, true);
  view.setUint32(260, 1, true);
  view.setUint8(264 + 16, 'h'.charCodeAt(0));
  return view;
}

/** An opaque frame of sevens. */
function frame(sequence) {
  const view = entry(0, 256 + PAYLOAD);
  view.setUint16(64, 64, true);
  view.setUint8(66, 1);
  view.setUint8(67, 5);
  view.setUint32(72, 1, true);
  view.setBigUint64(80, BigInt(sequence), true);
  view.setBigInt64(88, -(1n << 63n), true);
  view.setBigUint64(96, now(), true);
  view.setUint32(108, PAYLOAD, true);
  new Uint8Array(view.buffer, 256).fill(7);
  return view;
}

async function post() {
  const root = await navigator.storage.getDirectory();
  file = await root.getFileHandle(`by-hand-${crypto.randomUUID()}`, { create: true });
  lane = await file.createSyncAccessHandle(unsafe);
  lane.truncate(DATA + BYTES);
  lane.write(header(), { at: 0 });
  lane.write(new TextEncoder().encode('FRAMLANE'), { at: 0 });
  const consumer = new Uint8Array(1);
  for (; epoch === 0; epoch = consumer[0]) {
    await sleep(5);
    lane.read(consumer, { at: 8192 });
  }
  lane.write(new Uint8Array([epoch]), { at: 4096 });
  const entries = [track(), ...Array.from({ length: FRAMES }, (_, n) => frame(n))];
  let at = DATA;
  for (const [number, view] of entries.entries()) {
    lane.write(view, { at });
    lane.write(new Uint8Array([1]), { at: 5120 + number });
    at += Math.ceil(view.byteLength / 64) * 64;
  }
  return entries.length;
}

const acts = {
  post,
  async truncate() {
    const second = await file.createSyncAccessHandle(unsafe);
    second.truncate(0);
    return second.getSize();
  },
  /** Shortened and as long as before: the size alone does not tell. */
  async flicker() {
    const second = await file.createSyncAccessHandle(unsafe);
    second.truncate(0);
    second.truncate(DATA + BYTES);
    return second.getSize();
  },
};

onmessage = ({ data }) =>
  acts[data]().then(
    (value) => postMessage(value),
    (why) => postMessage({ failed: String(why?.stack ?? why) }),
  );
