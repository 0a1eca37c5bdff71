//! What a ring is made of behind its façade: our worker, or a browser that has rings itself.

import type { EventBody, RingStats, TrackInfo } from './messages';

/** Data for {@link FrameRing.write}. */
export type WriteData = BufferSource | string | VideoFrame | AudioData;

export interface WriteOptions {
  /** Makes an event of it instead of an opaque frame. */
  event?: EventBody;
  /** Time on the media's own time line, ms. */
  pts?: number;
}

export interface Backend {
  readonly transport: RingStats['transport'];
  /** Why it is not the transport that was asked for first, if so. */
  readonly why: string | undefined;
  /** Resolves when the ring has ended: with the reason, if it was not closed by its owner. */
  readonly closed: Promise<Error | undefined>;
  /** Opens a track; the number that frames carry. `ended` is called when it is over. */
  open(info: TrackInfo, ended: () => void): number;
  /** Opens a track and feeds it with a media track. */
  capture(track: MediaStreamTrack, info: TrackInfo, ended: () => void): number;
  end(number: number): void;
  write(number: number, data: WriteData, options: WriteOptions): Promise<boolean>;
  note(text: string): void;
  stats(): Promise<RingStats>;
  close(): Promise<void>;
}
