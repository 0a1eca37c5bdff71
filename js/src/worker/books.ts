//! The page's books about a lane: where its next entry begins, which ones are in use, what fits. Owns the numbers alone;
//! it neither reads nor writes the file.

/** What part of bytes and entries an entry may use: pictures leave room for sound, and both for the rest. */
export type Share = 'picture' | 'sound' | 'rest';

const UNIT = 64;
const EIGHTH = 8;
const PARTS: Record<Share, number> = { picture: 7 / 8, sound: 31 / 32, rest: 1 };
const PAD = 128;

/** `bytes` as they are taken from a lane or a window. */
export function rounded(bytes: number): number {
  return Math.ceil(bytes / UNIT) * UNIT;
}

/** What of `whole` an entry of this share may use. */
export function part(whole: number, share: Share): number {
  return Math.floor(whole * PARTS[share]);
}

/** What can be gone back to with {@link Books.rewind}. */
export interface Mark {
  next: number;
  at: number;
  used: number;
}

export class Books {
  /** What the posted bytes in the file are; of entries claimed and not posted, what they are going to be. */
  readonly posted: Uint8Array<ArrayBuffer>;
  /** The longest entry. */
  readonly longest: number;
  /** The number of the next entry, in this epoch. */
  next = 0;
  #oldest = 0;
  #at = 0;
  #used = 0;
  readonly #lengths: Float64Array;

  constructor(
    readonly dataBytes: number,
    readonly entries: number,
  ) {
    this.posted = new Uint8Array(entries);
    this.#lengths = new Float64Array(entries);
    const reserve = Math.min(dataBytes / EIGHTH, 256 << 10);
    this.longest = dataBytes - Math.floor(reserve / UNIT) * UNIT;
  }

  /** Whether nothing is in use. */
  get idle(): boolean {
    return this.#oldest === this.next;
  }

  /** Forgets all entries: an epoch begins. */
  reset(): void {
    this.posted.fill(0);
    this.next = this.#oldest = this.#at = this.#used = 0;
  }

  /** Whether an entry of `bytes` could be claimed now. */
  fits(bytes: number, share: Share): boolean {
    const length = rounded(bytes);
    return length <= this.longest && this.#fits(length, this.#padBefore(length), share);
  }

  /** The offset in the data area for an entry of `bytes`, or nothing if there is no room. A pad before it is claimed too. */
  claim(bytes: number, share: Share): number | undefined {
    const length = rounded(bytes);
    if (!this.fits(bytes, share)) return undefined;
    let pad = this.#padBefore(length);
    if (pad === 0 && this.#worthGoingBack(length, share)) pad = this.dataBytes - this.#at;
    if (pad > 0) this.#enter(pad, PAD);
    const at = this.#at;
    this.#enter(length, 0);
    return at;
  }

  /** Claims a pad that brings an idle lane back to offset 0, if that is an eighth of the data area away. */
  goBack(): boolean {
    if (!this.idle || this.#at < this.dataBytes / EIGHTH) return false;
    this.#enter(this.dataBytes - this.#at, PAD);
    return true;
  }

  /** Takes back what is released, as the consumer's bytes say. */
  release(released: Uint8Array): void {
    while (this.#oldest < this.next && released[this.#oldest % this.entries] === this.#lap(this.#oldest)) {
      this.#used -= this.#lengths[this.#oldest % this.entries] ?? 0;
      this.#oldest += 1;
    }
  }

  mark(): Mark {
    return { next: this.next, at: this.#at, used: this.#used };
  }

  /** Gives up what was claimed since, none of which may be posted. */
  rewind(mark: Mark): void {
    this.next = mark.next;
    this.#at = mark.at;
    this.#used = mark.used;
  }

  #lap(entry: number): number {
    return (Math.floor(entry / this.entries) % 127) + 1;
  }

  #padBefore(length: number): number {
    return this.#at + length > this.dataBytes ? this.dataBytes - this.#at : 0;
  }

  #fits(length: number, pad: number, share: Share): boolean {
    const inUse = this.next - this.#oldest + (pad > 0 ? 2 : 1);
    return this.#used + pad + length <= part(this.dataBytes, share) && inUse <= part(this.entries, share);
  }

  // Memory that was just written and read is warm. Until its pad is released only what lies before it can be used, so
  // going back with an entry behind the pad waits until that is an eighth more than the entry.
  #worthGoingBack(length: number, share: Share): boolean {
    const pad = this.dataBytes - this.#at;
    const spare = this.dataBytes / EIGHTH;
    return this.idle && this.#at >= spare && pad > 0 && this.#fits(length + spare, pad, share);
  }

  #enter(length: number, flag: number): void {
    const slot = this.next % this.entries;
    this.#lengths[slot] = length;
    this.posted[slot] = this.#lap(this.next) | flag;
    this.next += 1;
    this.#used += length;
    this.#at += length;
    if (this.#at === this.dataBytes) this.#at = 0;
  }
}
