//! The page's clock, which is the worker's: everything is told in nanoseconds since the worker's `performance.timeOrigin`.

const WINDOW_NS = 2e9;
const SLEW_NS = 1e6;
const JUMP_NS = 250e6;

/** Now, ns since the zero of the clock. */
export function nowNs(): number {
  return Math.round(performance.now() * 1e6);
}

/** `CLOCK_REALTIME` at the zero of the clock, ns. */
export function zeroNs(): bigint {
  return BigInt(Math.round(performance.timeOrigin * 1e3)) * 1000n;
}

/**
 * Maps a track's media time stamps to the clock by the smallest delay seen, so that jitter of the delivery does not get into
 * them. As two clocks drift apart the mapping follows by half a millisecond a second; it follows at once where the media's
 * time line jumps.
 */
export class MediaClock {
  #offset = Infinity;
  #windowLeast = Infinity;
  #windowEnd = 0;
  #last = 0;

  /** The time of the media time stamp `ptsNs` that was delivered at `now`. Never later than that, never before the last one. */
  map(ptsNs: number, now: number): number {
    const delay = now - ptsNs;
    if (now >= this.#windowEnd) this.#beginWindow(now);
    this.#windowLeast = Math.min(this.#windowLeast, delay);
    this.#offset = Math.min(this.#offset, delay);
    this.#last = Math.min(now, Math.max(this.#last, ptsNs + this.#offset));
    return Math.round(this.#last);
  }

  #beginWindow(now: number): void {
    const late = this.#windowLeast - this.#offset;
    if (Number.isFinite(late)) this.#offset += late > JUMP_NS ? late : Math.min(late, SLEW_NS);
    this.#windowLeast = Infinity;
    this.#windowEnd = now + WINDOW_NS;
  }
}
