// Frames by hand: got and closed; copied and forgotten; or copied and sent over a WebSocket, each as one message with 64 bytes
// in front: u64 number, f64 when it was captured by the wall clock (ms), both little-endian.

const HEAD = 64;
// As a page must that wants bounded memory: what does not fit is dropped.
const MOST_BUFFERED = 16 << 20;

let options;
let socket;
let stopped = false;
let captured = 0;
let dropped = 0;

self.onmessage = async ({ data }) => {
  if (data.op === 'open') {
    ({ options } = data);
    if (options.transport === 'websocket') await connect();
    self.postMessage(true);
  } else if (data.op === 'track') {
    pump(data.readable.getReader());
  } else {
    stopped ||= data.op === 'stop';
    while (stopped && socket?.bufferedAmount) await new Promise((done) => setTimeout(done, 5));
    self.postMessage({ captured, dropped });
    if (stopped) socket?.close();
  }
};

async function connect() {
  socket = new WebSocket(options.url);
  socket.binaryType = 'arraybuffer';
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`no connection to ${options.url}`));
  });
}

async function pump(reader) {
  let buffer = new ArrayBuffer(0);
  // By the steadiest way there has been from the frame's time stamp to here.
  let offset = Infinity;
  for (;;) {
    const { done, value: frame } = await reader.read();
    if (done || stopped) {
      frame?.close();
      return;
    }
    const now = performance.timeOrigin + performance.now();
    offset = Math.min(offset, now - frame.timestamp / 1000);
    const number = captured++;
    try {
      if (options.transport === 'close') continue;
      const bytes = sizeOf(frame);
      if (buffer.byteLength !== HEAD + bytes) buffer = new ArrayBuffer(HEAD + bytes);
      if (socket && socket.bufferedAmount > MOST_BUFFERED) {
        dropped++;
        continue;
      }
      await copy(frame, buffer);
      if (!socket) continue;
      const head = new DataView(buffer, 0, HEAD);
      head.setBigUint64(0, BigInt(number), true);
      head.setFloat64(8, offset + frame.timestamp / 1000, true);
      socket.send(buffer);
    } finally {
      frame.close();
    }
  }
}

function sizeOf(frame) {
  if (frame instanceof VideoFrame) return frame.allocationSize();
  return 4 * frame.numberOfChannels * frame.numberOfFrames;
}

async function copy(frame, buffer) {
  if (frame instanceof VideoFrame) {
    await frame.copyTo(new Uint8Array(buffer, HEAD));
    return;
  }
  const plane = 4 * frame.numberOfFrames;
  for (let i = 0; i < frame.numberOfChannels; i++) {
    frame.copyTo(new Uint8Array(buffer, HEAD + i * plane, plane), { planeIndex: i, format: 'f32-planar' });
  }
}
