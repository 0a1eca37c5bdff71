'use strict';
// What the pages of the tests share: frames that tell places and numbers apart, tracks of them, and a call.

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Something that goes on in the page while the test does other things. */
const task = {
  begun: undefined,
  failed: undefined,
  begin(run) {
    task.begun = run().catch((why) => {
      task.failed = String(why?.stack ?? why);
      throw why;
    });
    task.begun.catch(() => {});
  },
};

/** Bytes that tell places and numbers apart; the tests make the same. */
function pattern(length, seed) {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 31 + (i >> 8) * 7 + seed * 17;
  return bytes;
}

/** Of each plane: by what width and height are divided, and bytes of one place. */
function planes(format) {
  const [, name, alpha, depth] = /^(.*?)(A?)(P\d+)?$/.exec(format);
  const bytes = depth ? 2 : 1;
  const whole = [1, 1, bytes];
  switch (name) {
    case 'I420':
    case 'I422':
    case 'I444': {
      const chroma = { I420: [2, 2, bytes], I422: [2, 1, bytes], I444: whole }[name];
      return [whole, chroma, chroma, ...(alpha ? [whole] : [])];
    }
    case 'NV12':
      return [[1, 1, 1], [2, 2, 2]];
    default:
      return [[1, 1, 4]];
  }
}

function sizeOf(format, width, height) {
  return planes(format).reduce((sum, [x, y, bytes]) => sum + Math.ceil(width / x) * Math.ceil(height / y) * bytes, 0);
}

function picture(format, width, height, bytes, timestamp, more = {}) {
  return new VideoFrame(bytes, { format, codedWidth: width, codedHeight: height, timestamp, ...more });
}

/** Picture `n` of the pattern, 1 ms behind the one before. */
function numbered(format, width, height, n) {
  return picture(format, width, height, pattern(sizeOf(format, width, height), n), n * 1000);
}

/** Block `n` of a sound whose samples tell channel and position. */
function block(channels, frames, n) {
  const data = new Float32Array(channels * frames);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < frames; i++) data[c * frames + i] = (((n * frames + i) * 7 + c * 300) % 1024) / 1024 - 0.5;
  }
  const timestamp = Math.round((n * frames * 1e6) / 48000);
  const format = { format: 'f32-planar', sampleRate: 48000, numberOfFrames: frames, numberOfChannels: channels };
  return new AudioData({ ...format, timestamp, data });
}

/**
 * Writes frames to a track one by one, each when the one before has come out of it, which `frames` counts; the first one
 * again until it has.
 */
async function writeEach(writer, count, make, frames) {
  const more = async (than, ms) => {
    const end = performance.now() + ms;
    while ((await frames()) <= than && performance.now() < end) await sleep(5);
    return (await frames()) > than;
  };
  // What is written before the browser has connected both ends of the track is lost.
  do await writer.write(make(0));
  while (!(await more(0, 300)));
  for (let n = 1; n < count; n++) {
    const before = await frames();
    await writer.write(make(n));
    if (!(await more(before, 10_000))) throw new Error(`frame ${n} did not come out of the track`);
  }
  await writer.close();
}

/** Writes pictures whose luma is `value`, on and on. */
function paint(writer, width, height, ms, value) {
  const bytes = new Uint8Array(sizeOf('I420', width, height)).fill(128);
  bytes.fill(value, 0, width * height);
  const one = () => writer.write(picture('I420', width, height, bytes, Math.round(performance.now() * 1e3)));
  setInterval(() => one().catch(() => {}), ms);
}

/** Many participants, each with a picture of a colour of its own and a sound of its own; `capture` takes each track. */
async function participants(count, capture) {
  const context = new AudioContext();
  await context.resume();
  for (let n = 0; n < count; n++) {
    const generator = new MediaStreamTrackGenerator({ kind: 'video' });
    capture(generator, `video ${n}`);
    paint(generator.writable.getWriter(), 320, 180, 200, 20 + n);
    const out = context.createMediaStreamDestination();
    const source = new ConstantSourceNode(context, { offset: (n + 1) / 64 });
    source.connect(out);
    source.start();
    capture(out.stream.getAudioTracks()[0], `audio ${n}`);
  }
}

/** A call with itself: its two ends, and the tracks that arrive. */
class Call {
  here = new RTCPeerConnection();
  there = new RTCPeerConnection();
  arrived = [];

  constructor() {
    this.here.onicecandidate = ({ candidate }) => candidate && this.there.addIceCandidate(candidate);
    this.there.onicecandidate = ({ candidate }) => candidate && this.here.addIceCandidate(candidate);
    this.there.ontrack = ({ track, streams }) => this.arrived.push({ track, stream: streams[0] });
  }

  static async of(stream) {
    const call = new Call();
    for (const track of stream.getTracks()) call.here.addTrack(track, stream);
    await call.negotiate();
    return call;
  }

  /** Plays what has arrived, as pages with calls do: remote sound flows only while somebody plays it. */
  async play() {
    for (const stream of new Set(this.arrived.map(({ stream }) => stream))) {
      await Object.assign(document.createElement('video'), { muted: true, srcObject: stream }).play();
    }
    return this;
  }

  async negotiate() {
    await this.here.setLocalDescription();
    await this.there.setRemoteDescription(this.here.localDescription);
    await this.there.setLocalDescription();
    await this.here.setRemoteDescription(this.there.localDescription);
  }

  /** What has arrived, as the tests want it. */
  told() {
    return this.arrived.map(({ track, stream }) => ({ kind: track.kind, id: track.id, stream: stream.id }));
  }
}

const camera = () => navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 180 }, audio: true });
