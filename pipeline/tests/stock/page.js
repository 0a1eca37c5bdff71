'use strict';
// What the tests do in the page, in pieces that they put together.

const stock = {
  ring: undefined,
  capture: undefined,

  async state() {
    return { failed: task.failed, ring: await stock.ring?.stats() };
  },

  /** Opens a ring on a lane, and waits for its consumer. */
  async open(options = {}) {
    stock.ring = await FrameRing.open({ transport: 'lane', name: 'stock', ...options });
    while (!(await stock.ring.stats()).consumer) await sleep(10);
  },

  /** A track that the page writes frames to. */
  generator(kind, label) {
    const track = new MediaStreamTrackGenerator({ kind });
    stock.capture = stock.ring.captureTrack(track, { label });
    return { writer: track.writable.getWriter(), capture: stock.capture, track };
  },

  /** Writes frames until all have come out of the track. */
  async write({ writer, capture }, count, make) {
    await writeEach(writer, count, make, async () => (await capture.stats()).frames);
    await capture.ended;
  },

  /** Pictures of the pattern, numbered by their time stamps. */
  pictures(format, width, height, count) {
    const generator = stock.generator('video', `${format} ${width}x${height}`);
    return stock.write(generator, count, (n) => numbered(format, width, height, n));
  },

  /** Blocks of sound, each with samples that tell channel and position. */
  sound(channels, frames, count) {
    return stock.write(stock.generator('audio', 'sound'), count, (n) => block(channels, frames, n));
  },

  /** Pictures and blocks of sound, written together, pair by pair: number n has time stamp 40 n ms, and samples n / 1024. */
  async pairs(count) {
    const [video, audio] = [stock.generator('video', 'video'), stock.generator('audio', 'audio')];
    const bytes = new Uint8Array(sizeOf('I420', 64, 64));
    const format = { format: 'f32-planar', sampleRate: 48000, numberOfFrames: 480, numberOfChannels: 1 };
    for (let n = 0; n < count; n++) {
      const timestamp = n * 40_000;
      void video.writer.write(picture('I420', 64, 64, bytes, timestamp));
      void audio.writer.write(new AudioData({ ...format, timestamp, data: new Float32Array(480).fill(n / 1024) }));
      await sleep(40);
    }
  },

  /** Captures pictures of one colour for as long as the page lives. */
  async live({ width = 64, height = 64, ms = 40, ...options } = {}) {
    await stock.open(options);
    paint(stock.generator('video', 'live').writer, width, height, ms, 90);
  },

  /** Captures camera and microphone. */
  async devices(video, audio) {
    await stock.open();
    const stream = await navigator.mediaDevices.getUserMedia({ video, audio });
    for (const track of stream.getTracks()) stock.ring.captureTrack(track, { label: track.kind });
  },

  /** A call with itself, and what of it arrives. */
  async call() {
    stock.calling = await Call.of(await camera());
    return stock.calling.told();
  },

  /** Many participants. */
  async participants(count) {
    await stock.open();
    await participants(count, (track, label) => stock.ring.captureTrack(track, { label }));
  },

  /** A worker that makes a lane by hand: resolves when its frames are posted. */
  hostile() {
    stock.worker = new Worker('/hostile.js');
    return stock.ask('post');
  },

  ask(what) {
    return new Promise((done, failed) => {
      stock.worker.onmessage = ({ data }) => (data.failed ? failed(new Error(data.failed)) : done(data));
      stock.worker.onerror = ({ message }) => failed(new Error(message));
      stock.worker.postMessage(what);
    });
  },
};
