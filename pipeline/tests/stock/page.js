'use strict';
// What the tests do in the page, in pieces that they put together.

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Bytes that tell places and numbers apart; the tests make the same. */
function pattern(length, seed) {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 31 + (i >> 8) * 7 + seed * 17;
  return bytes;
}

const sizes = { I420: (w, h) => w * h + 2 * Math.ceil(w / 2) * Math.ceil(h / 2), RGBA: (w, h) => 4 * w * h };

function picture(format, width, height, bytes, timestamp) {
  return new VideoFrame(bytes, { format, codedWidth: width, codedHeight: height, timestamp });
}

const stock = {
  begun: undefined,
  failed: undefined,
  ring: undefined,
  capture: undefined,

  begin(run) {
    stock.begun = run().catch((why) => {
      stock.failed = String(why?.stack ?? why);
      throw why;
    });
    stock.begun.catch(() => {});
  },

  async state() {
    return { failed: stock.failed, ring: await stock.ring?.stats() };
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

  /** Writes frames one by one, each when the one before is on its way; the first one again until it is. */
  async write({ writer, capture }, count, make) {
    const frames = async () => (await capture.stats()).frames;
    const more = async (than, ms) => {
      const end = performance.now() + ms;
      while ((await frames()) <= than && performance.now() < end) await sleep(5);
      return (await frames()) > than;
    };
    // What is written before the browser has connected track and processor is lost.
    do await writer.write(make(0));
    while (!(await more(0, 300)));
    for (let n = 1; n < count; n++) {
      const before = await frames();
      await writer.write(make(n));
      if (!(await more(before, 10_000))) throw new Error(`frame ${n} did not come out of the track`);
    }
    await writer.close();
    await capture.ended;
  },

  /** Pictures of the pattern, numbered by their time stamps. */
  pictures(format, width, height, count) {
    const make = (n) => picture(format, width, height, pattern(sizes[format](width, height), n), n * 1000);
    return stock.write(stock.generator('video', `${format} ${width}x${height}`), count, make);
  },

  /** Blocks of sound, each with samples that tell channel and position. */
  sound(channels, frames, count) {
    const make = (n) => {
      const data = new Float32Array(channels * frames);
      for (let c = 0; c < channels; c++) {
        for (let i = 0; i < frames; i++) data[c * frames + i] = (((n * frames + i) * 7 + c * 300) % 1024) / 1024 - 0.5;
      }
      const timestamp = Math.round((n * frames * 1e6) / 48000);
      return new AudioData({
        format: 'f32-planar', sampleRate: 48000, numberOfFrames: frames, numberOfChannels: channels, timestamp, data,
      });
    };
    return stock.write(stock.generator('audio', 'sound'), count, make);
  },

  /** Pictures and blocks of sound, written together, pair by pair: number n has time stamp 40 n ms, and samples n / 1024. */
  async pairs(count) {
    const [video, audio] = [stock.generator('video', 'video'), stock.generator('audio', 'audio')];
    const bytes = new Uint8Array(sizes.I420(64, 64));
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
    stock.paint(stock.generator('video', 'live'), width, height, ms, 90);
  },

  /** Writes pictures whose luma is `value`, on and on. */
  paint({ writer }, width, height, ms, value) {
    const bytes = new Uint8Array(sizes.I420(width, height)).fill(128);
    bytes.fill(value, 0, width * height);
    const paint = () => writer.write(picture('I420', width, height, bytes, Math.round(performance.now() * 1e3)));
    setInterval(() => paint().catch(() => {}), ms);
  },

  /** Captures camera and microphone. */
  async devices(video, audio) {
    await stock.open();
    const stream = await navigator.mediaDevices.getUserMedia({ video, audio });
    for (const track of stream.getTracks()) stock.ring.captureTrack(track, { label: track.kind });
  },

  /** A call with itself, and what of it arrives. */
  async call() {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 180 }, audio: true });
    const [here, there] = (stock.peers = [new RTCPeerConnection(), new RTCPeerConnection()]);
    here.onicecandidate = ({ candidate }) => candidate && there.addIceCandidate(candidate);
    there.onicecandidate = ({ candidate }) => candidate && here.addIceCandidate(candidate);
    const arrived = [];
    there.ontrack = ({ track, streams }) => arrived.push({ kind: track.kind, id: track.id, stream: streams[0].id });
    for (const track of stream.getTracks()) here.addTrack(track, stream);
    await here.setLocalDescription();
    await there.setRemoteDescription(here.localDescription);
    await there.setLocalDescription();
    await here.setRemoteDescription(there.localDescription);
    return arrived;
  },

  /** Many participants, each with a picture of a colour of its own, and a sound of its own. */
  async participants(count) {
    await stock.open();
    const context = new AudioContext();
    await context.resume();
    for (let n = 0; n < count; n++) {
      stock.paint(stock.generator('video', `video ${n}`), 320, 180, 200, 20 + n);
      const out = context.createMediaStreamDestination();
      const source = new ConstantSourceNode(context, { offset: (n + 1) / 64 });
      source.connect(out);
      source.start();
      stock.ring.captureTrack(out.stream.getAudioTracks()[0], { label: `audio ${n}` });
    }
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
