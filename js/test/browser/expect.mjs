// What a consumer must have received of the sources in helpers.cjs.
import assert from 'node:assert/strict';
import { pattern, sample } from '../read.mjs';
import { until } from './until.mjs';

export const framesOf = (consumer, track) => consumer.entries.filter((e) => e.what === 'frame' && e.track === track);

export const ended = (consumer, track) =>
  until(() => consumer.entries.some((e) => e.what === 'track' && e.number === track && e.state === 'ended'));

/** Whether a picture is the one of its pts, byte for byte. */
export function isPattern(frame, seed) {
  return Buffer.from(pattern(seed, Math.round(frame.pts / 33333e3), frame.payload.length)).equals(frame.payload);
}

/** Each sample of a block of sound. */
export function assertSamples(block, seed) {
  for (let c = 0; c < block.channels; c++) {
    for (let i = 0; i < block.frames; i++) {
      const got = block.payload.readFloatLE(c * block.stride + i * 4);
      assert.equal(got, Math.fround(sample(seed, c, block.position + i)));
    }
  }
}
