'use strict';
// What the tests do in the page with the browser's own rings, in pieces that they put together.

const patched = {
  ring: undefined,
  opened: 0,
  /** Ids of streams, by label. */
  ids: {},

  state() {
    const { closed, framesWritten, framesDropped } = patched.ring ?? {};
    return { failed: task.failed, opened: patched.opened, closed, framesWritten, framesDropped };
  },

  async open(options = {}) {
    patched.ring = await FrameRing.open({ name: 'patched', ...options });
    patched.opened++;
  },

  /** Opens a ring and gives it back: how that went. */
  async outcome(options = {}) {
    try {
      (await FrameRing.open(options)).close();
      return 'opened';
    } catch (why) {
      return why.name;
    }
  },

  attach(track, label, more = {}) {
    return (patched.ids[label] = patched.ring.attach(track, { label, ...more }));
  },

  stats(label) {
    return patched.ring.getStats(patched.ids[label]);
  },

  /** A track that the page writes frames to. */
  generator(kind, label, more) {
    const track = new MediaStreamTrackGenerator({ kind });
    patched.attach(track, label, more);
    return { writer: track.writable.getWriter(), track };
  },

  /** Writes frames until all have come out of a track of this name. */
  write(kind, label, count, make) {
    const { writer } = patched.generator(kind, label);
    return writeEach(writer, count, make, async () => patched.stats(label).frames);
  },

  pictures(format, width, height, count) {
    return patched.write('video', `${format} ${width}x${height}`, count, (n) => numbered(format, width, height, n));
  },

  sound(channels, frames, count) {
    return patched.write('audio', 'sound', count, (n) => block(channels, frames, n));
  },

  /** Writes pictures that no ring has a code for, until they are counted: the counters. */
  async unreadable(format) {
    const { writer } = patched.generator('video', format);
    while (patched.stats(format).unreadable < 3) {
      await writer.write(numbered(format, 32, 16, 0));
      await sleep(20);
    }
    await writer.close();
    return patched.stats(format);
  },

  /** Pictures about which there is much to say, by a stream of this page or a track; and what the browser says of each. */
  async special(through) {
    const told = [];
    for (const make of SPECIAL) told.push(await describe(make(told.length)));
    if (through === 'track') {
      await patched.write('video', 'special', SPECIAL.length, (n) => SPECIAL[n](n));
    } else {
      for (let n = 0; n < SPECIAL.length; n++) {
        const frame = SPECIAL[n](n);
        if (!patched.ring.write(1, frame, { label: 'special' })) throw new Error(`picture ${n} was not written`);
        frame.close();
      }
    }
    return told;
  },

  /** Writes pictures of one colour into a ring for as long as the page lives. */
  async live({ width = 64, height = 64, ms = 40 } = {}) {
    await patched.open();
    const { writer, track } = patched.generator('video', 'live');
    paint(writer, width, height, ms, 90);
    return track;
  },

  /** The same, and into the next ring whenever one is closed. */
  async persist() {
    const track = await patched.live();
    for (;;) {
      await sleep(100);
      if (!patched.ring.closed) continue;
      await patched.open().then(() => patched.attach(track, 'live')).catch(() => {});
    }
  },

  /** Camera and microphone. */
  async devices(video, audio) {
    const stream = await navigator.mediaDevices.getUserMedia({ video, audio });
    for (const track of stream.getTracks()) patched.attach(track, track.kind);
    patched.stream = stream;
  },

  /** A call with itself, whose remote tracks are attached. */
  async call(stream) {
    patched.calling = await Call.of(stream ?? (await camera()));
    for (const { track } of patched.calling.arrived) patched.attach(track, track.kind, { sourceId: 5 });
    await patched.calling.play();
  },

  /** The other side sends nothing any more, or sends again. */
  async direct(direction) {
    for (const transceiver of patched.calling.here.getTransceivers()) transceiver.direction = direction;
    await patched.calling.negotiate();
  },

  /** A flash and a beep of one moment, twice a second, in a picture track and a sound track. */
  flashes() {
    const [video, audio] = ['video', 'audio'].map((kind) => new MediaStreamTrackGenerator({ kind }));
    const [pictures, sounds] = [video, audio].map((track) => track.writable.getWriter());
    const frames = [30, 220].map((value) => new Uint8Array(sizeOf('I420', 320, 180)).fill(128).fill(value, 0, 320 * 180));
    const tone = Float32Array.from({ length: 480 }, (_, i) => Math.sin((2 * Math.PI * i) / 48) / 2);
    const format = { format: 'f32-planar', sampleRate: 48000, numberOfFrames: 480, numberOfChannels: 1 };
    const start = performance.now();
    let n = 0;
    // A block each 10 ms, a picture for every fourth; who comes late makes up for it.
    setInterval(() => {
      for (; n < (performance.now() - start) / 10; n++) {
        const timestamp = Math.round(performance.now() * 1e3);
        const on = n % 48 < 4;
        if (n % 4 === 0) pictures.write(picture('I420', 320, 180, frames[Number(on)], timestamp)).catch(() => {});
        sounds.write(new AudioData({ ...format, timestamp, data: on ? tone : new Float32Array(480) })).catch(() => {});
      }
    }, 2);
    return new MediaStream([video, audio]);
  },

  /** When the flashes and beeps of tracks reach the page itself, ms. */
  async edges(tracks, ms) {
    const edges = { video: [], audio: [] };
    const end = performance.now() + ms;
    const watch = async (track) => {
      const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
      let was = true;
      while (performance.now() < end) {
        const { value: frame } = await reader.read();
        const now = performance.now();
        const at = await (track.kind === 'video' ? flashAt(frame) : beepAt(frame));
        frame.close();
        if (at !== undefined && !was) edges[track.kind].push(now + at);
        was = at !== undefined;
      }
      await reader.cancel();
    };
    await Promise.all(tracks.map(watch));
    return edges;
  },

  /** The same in a worker: what `writes` says there. */
  async worker() {
    const source = `importScripts('${location.origin}/media.js', '${location.origin}/writes.js');
      writes().then((done) => postMessage({ done }), (why) => postMessage({ failed: String(why?.stack ?? why) }));`;
    patched.helper = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
    const { done, failed } = await new Promise((resolve, reject) => {
      patched.helper.onmessage = ({ data }) => resolve(data);
      patched.helper.onerror = ({ message }) => reject(new Error(message));
    });
    if (failed) throw new Error(failed);
    return done;
  },

  /** Opens and closes rings again and again, with a frame in each. */
  async churn() {
    for (;;) {
      const ring = await FrameRing.open({ name: 'churn' });
      ring.write(1, pattern(1000, 1), { label: 'churn' });
      ring.close();
      patched.churned = (patched.churned ?? 0) + 1;
      await sleep(200);
    }
  },
};

/** How far into the frame the flash is, ms, if it is there. */
async function flashAt(frame) {
  const bytes = new Uint8Array(frame.allocationSize());
  await frame.copyTo(bytes);
  return bytes[0] > 128 ? 0 : undefined;
}

function beepAt(data) {
  const samples = new Float32Array(data.numberOfFrames);
  data.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
  const first = samples.findIndex((sample) => Math.abs(sample) > 0.1);
  return first < 0 ? undefined : (first / data.sampleRate) * 1000;
}

const colours = (primaries, transfer, matrix, fullRange) => ({ colorSpace: { primaries, transfer, matrix, fullRange } });

/** A picture of the pattern that keeps what is around its visible part. */
function within(format, timestamp, more) {
  const bytes = pattern(sizeOf(format, 64, 48), 1);
  return picture(format, 64, 48, bytes, timestamp, { transfer: [bytes.buffer], ...more });
}

const SPECIAL = [
  (n) => within('I420', n * 1000 - 5, {
    visibleRect: { x: 2, y: 4, width: 33, height: 21 }, displayWidth: 66, displayHeight: 21, duration: 40_000,
    ...colours('bt709', 'iec61966-2-1', 'bt709', true),
  }),
  (n) => within('NV12', n * 1000, {
    visibleRect: { x: 4, y: 2, width: 31, height: 30 }, rotation: 90, flip: true,
    ...colours('smpte170m', 'smpte170m', 'smpte170m', false),
  }),
  (n) => within('RGBA', n * 1000, {
    visibleRect: { x: 3, y: 5, width: 20, height: 11 }, rotation: 180, ...colours('bt709', 'iec61966-2-1', 'rgb', true),
  }),
  (n) => within('I422', n * 1000, {
    visibleRect: { x: 2, y: 3, width: 20, height: 11 }, rotation: 270, ...colours('bt2020', 'pq', 'bt2020-ncl', false),
  }),
  // A part of a part. (One that begins between two samples of chroma no script can make.)
  (n) => {
    const around = { visibleRect: { x: 2, y: 2, width: 40, height: 30 }, ...colours('bt470bg', 'smpte170m', 'bt470bg', false) };
    const whole = within('I420', 0, around);
    const part = new VideoFrame(whole, { timestamp: n * 1000, visibleRect: { x: 4, y: 6, width: 21, height: 11 } });
    whole.close();
    return part;
  },
  (n) => within('I420P10', n * 1000, colours('bt2020', 'hlg', 'bt2020-ncl', false)),
];

/** What the browser says of a picture, and its content. */
async function describe(frame) {
  const { format, timestamp, duration, displayWidth, displayHeight, rotation, flip, visibleRect } = frame;
  const bytes = new Uint8Array(frame.allocationSize());
  await frame.copyTo(bytes);
  const colour = frame.colorSpace.toJSON();
  frame.close();
  const [size, display] = [[visibleRect.width, visibleRect.height], [displayWidth, displayHeight]];
  return { format, timestamp, duration, size, display, rotation, flip, colour, bytes: Array.from(bytes) };
}
