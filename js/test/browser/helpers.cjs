// Runs in the page: sources whose every byte is known. The consumer makes the same bytes in read.mjs.

/** Byte `i` of frame `n` of the track with this seed. */
function patternByte(seed, n, i) {
  return (seed * 31 + n * 7 + i * 13 + (i >> 8)) & 255;
}

function pattern(seed, n, bytes) {
  const data = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) data[i] = patternByte(seed, n, i);
  return data;
}

function videoBytes(format, width, height) {
  const [w, h] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  switch (format) {
    case 'I420': return width * height + 2 * w * h;
    case 'NV12': return width * height + 2 * w * h;
    case 'I420A': return 2 * width * height + 2 * w * h;
    case 'I422': return width * height + 2 * w * height;
    case 'I444': return 3 * width * height;
    case 'I420P10': return 2 * (width * height + 2 * w * h);
    case 'I422P10': return 2 * (width * height + 2 * w * height);
    case 'I444P10': return 6 * width * height;
    default: return 4 * width * height;
  }
}

/** A video track that `next()` gives a frame. */
function videoSource(seed, format, width, height, init = {}) {
  const track = new MediaStreamTrackGenerator({ kind: 'video' });
  const writer = track.writable.getWriter();
  let n = 0;
  return {
    track,
    async next(more = {}) {
      const all = { format, codedWidth: width, codedHeight: height, timestamp: n * 33333, duration: 33333, ...init, ...more };
      await writer.write(new VideoFrame(pattern(seed, n, videoBytes(all.format, all.codedWidth, all.codedHeight)), all));
      n += 1;
    },
    end: () => writer.close(),
  };
}

/** Sample `i` of channel `c` from the start of the track. */
function sample(seed, c, i) {
  return (((seed * 1009 + c * 331 + i * 17) % 2001) - 1000) / 1000;
}

/** An audio track that `next()` gives a block of 10 ms. */
function audioSource(seed, channels = 2, rate = 48000) {
  const track = new MediaStreamTrackGenerator({ kind: 'audio' });
  const writer = track.writable.getWriter();
  const frames = rate / 100;
  let n = 0;
  return {
    track,
    async next() {
      const data = new Float32Array(channels * frames);
      for (let c = 0; c < channels; c++) for (let i = 0; i < frames; i++) data[c * frames + i] = sample(seed, c, n * frames + i);
      const timestamp = n * 10000;
      await writer.write(new AudioData({ format: 'f32-planar', sampleRate: rate, numberOfFrames: frames, numberOfChannels: channels, timestamp, data }));
      n += 1;
    },
    end: () => writer.close(),
  };
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A capture begins a moment after it was asked for: frames before are lost. */
const settle = () => wait(100);

/** Gives each of the sources a frame every `ms`, `count` times. */
async function play(sources, count, ms) {
  for (let i = 0; i < count; i++) {
    for (const source of [sources].flat()) await source.next();
    await wait(ms);
  }
}

if (typeof module !== 'undefined') module.exports = { pattern, sample, videoBytes };
