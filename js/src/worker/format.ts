//! Pixel formats and colour spaces of WebCodecs, as descriptors tell them. Tables alone.

import type { VideoBody } from './record';

interface Format {
  fourcc: string;
  depth: number;
  /** Whether sample positions of a plane cover two pixels, in x and in y. */
  halves: readonly [x: boolean, y: boolean];
}

const FULL = [false, false] as const;
const QUARTER = [true, true] as const;
const HALF = [true, false] as const;

/** The formats that go out as they are. All others are asked for as RGBA. */
const FORMATS: Record<string, Format> = {
  I420: { fourcc: 'YU12', depth: 8, halves: QUARTER },
  I420A: { fourcc: 'A420', depth: 8, halves: QUARTER },
  I422: { fourcc: 'YU16', depth: 8, halves: HALF },
  I444: { fourcc: 'YU24', depth: 8, halves: FULL },
  NV12: { fourcc: 'NV12', depth: 8, halves: QUARTER },
  I420P10: { fourcc: 'S010', depth: 10, halves: QUARTER },
  I422P10: { fourcc: 'S210', depth: 10, halves: HALF },
  I444P10: { fourcc: 'S410', depth: 10, halves: FULL },
  RGBA: { fourcc: 'AB24', depth: 8, halves: FULL },
  BGRA: { fourcc: 'AR24', depth: 8, halves: FULL },
  RGBX: { fourcc: 'XB24', depth: 8, halves: FULL },
  BGRX: { fourcc: 'XR24', depth: 8, halves: FULL },
};

const PRIMARIES: Record<string, number> = { bt709: 1, bt470bg: 5, smpte170m: 6, bt2020: 9, smpte432: 12 };
const TRANSFER: Record<string, number> = {
  bt709: 1,
  smpte170m: 6,
  linear: 8,
  'iec61966-2-1': 13,
  pq: 16,
  hlg: 18,
};
const MATRIX: Record<string, number> = { rgb: 0, bt709: 1, bt470bg: 5, smpte170m: 6, 'bt2020-ncl': 9 };
const NOT_SAID = 2;

/** How a frame is copied, and what that will be. */
export interface CopyPlan {
  format: Format;
  options: VideoFrameCopyToOptions;
  /** Of the copy: its size, and the visible part. */
  coded: [number, number];
  visible: [number, number, number, number];
}

/** The visible part as it is, if it begins at a sample of all planes; else the whole. Formats without a code become RGBA. */
export function planCopy(frame: VideoFrame): CopyPlan | undefined {
  const rect = frame.visibleRect;
  if (!rect) return undefined;
  const known = frame.format === null ? undefined : FORMATS[frame.format];
  const format = known ?? (FORMATS.RGBA as Format);
  const options: VideoFrameCopyToOptions & { format?: string } = known ? {} : { format: 'RGBA' };
  const aligned = (rect.x % 2 === 0 || !format.halves[0]) && (rect.y % 2 === 0 || !format.halves[1]);
  if (known && !aligned) {
    const { codedWidth, codedHeight } = frame;
    options.rect = { x: 0, y: 0, width: codedWidth, height: codedHeight };
    return { format, options, coded: [codedWidth, codedHeight], visible: [rect.x, rect.y, rect.width, rect.height] };
  }
  return { format, options, coded: [rect.width, rect.height], visible: [0, 0, rect.width, rect.height] };
}

/** What is said of the copy. */
export function videoBody(frame: VideoFrame, plan: CopyPlan, planes: readonly PlaneLayout[]): VideoBody {
  const { primaries, transfer, matrix, fullRange } = frame.colorSpace;
  const converted = plan.options.format !== undefined;
  return {
    kind: 'video',
    fourcc: plan.format.fourcc,
    coded: plan.coded,
    visible: plan.visible,
    display: [frame.displayWidth, frame.displayHeight],
    transform: transform(frame),
    depth: plan.format.depth,
    range: converted ? 2 : fullRange === null ? 0 : fullRange ? 2 : 1,
    primaries: converted ? 1 : code(PRIMARIES, primaries),
    transfer: converted ? 13 : code(TRANSFER, transfer),
    matrix: converted ? 0 : code(MATRIX, matrix),
    planes,
  };
}

// Newer than the types of TypeScript.
function transform(frame: VideoFrame & { rotation?: number; flip?: boolean }): number {
  return (((frame.rotation ?? 0) / 90) & 3) | (frame.flip ? 4 : 0);
}

function code(table: Record<string, number>, name: string | null): number {
  return name === null ? NOT_SAID : (table[name] ?? NOT_SAID);
}
