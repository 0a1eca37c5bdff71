//! The file of a lane in the origin private file system: made, sized, given its header, removed.

import { FrameRingError } from '../error';
import type { WorkerOptions } from '../messages';
import { zeroNs } from './clock';
import { putText, setU64 } from './record';
import { Slab } from './transport';

/** Where things lie in a lane. */
export const PAGE = 4096;
export const DATA = 3 * PAGE;
/** Tracks of each lane. */
export const TRACKS = 128;

const LEAST_BYTES = 1 << 20;
const DIRECTORY = 'frame-ring';
const MAGIC = 'FRAMLANE';
// Between its making and its locking another worker may take the file for an old one: it is gone then, or going.
const TAKEN = ['NotFoundError', 'NoModificationAllowedError'];
const TRIES = 20;

export interface LaneFile {
  name: string;
  handle: FileSystemSyncAccessHandle;
  /** Data bytes: what was asked for, or as much of it as the quota lets be. */
  bytes: number;
}

/** Makes a file with a lane's header, for one that wants `bytes` data bytes. */
export async function createLaneFile(options: WorkerOptions): Promise<LaneFile> {
  const { name, handle } = await create();
  try {
    const bytes = size(handle, options.bytes);
    writeHeader(handle, bytes, options);
    return { name, handle, bytes };
  } catch (why) {
    handle.close();
    await removeLaneFile(name);
    throw FrameRingError.from(why, 'no-storage', 'no lane can be made in the origin private file system');
  }
}

/** Removes a lane's file; leaves it if somebody has it open. */
export async function removeLaneFile(name: string): Promise<void> {
  try {
    await (await directory()).removeEntry(name);
  } catch {
    // Another worker's, or gone already.
  }
}

async function create(): Promise<{ name: string; handle: FileSystemSyncAccessHandle }> {
  for (let tries = 1; ; tries++) {
    try {
      const lanes = await directory();
      await removeOld(lanes);
      const name = `${crypto.randomUUID()}.lane`;
      const file = await lanes.getFileHandle(name, { create: true });
      return { name, handle: await file.createSyncAccessHandle() };
    } catch (why) {
      if (why instanceof DOMException && TAKEN.includes(why.name) && tries < TRIES) continue;
      throw FrameRingError.from(
        why,
        'no-storage',
        'this document may not use the origin private file system (an opaque or sandboxed origin, or storage that is blocked)',
      );
    }
  }
}

async function directory(): Promise<FileSystemDirectoryHandle> {
  if (!navigator.storage?.getDirectory) {
    throw new FrameRingError(
      'insecure-context',
      'no origin private file system: the document is neither https nor localhost, or its origin is opaque (sandboxed, or data:). ' +
        "Use transport 'websocket'",
    );
  }
  return (await navigator.storage.getDirectory()).getDirectoryHandle(DIRECTORY, { create: true });
}

// Pages that ended left theirs behind. The file of a living worker is locked, and stays.
async function removeOld(lanes: FileSystemDirectoryHandle): Promise<void> {
  for await (const name of lanes.keys()) await removeLaneFile(name);
}

function size(handle: FileSystemSyncAccessHandle, wanted: number): number {
  for (let bytes = wanted; ; bytes = Math.floor(bytes / 2 / PAGE) * PAGE) {
    try {
      handle.truncate(DATA + bytes);
      return bytes;
    } catch (why) {
      if (!(why instanceof DOMException) || why.name !== 'QuotaExceededError') throw why;
      if (bytes / 2 < LEAST_BYTES) {
        throw new FrameRingError('quota', `the quota of this origin has no room for a lane of ${bytes} bytes`, { cause: why });
      }
    }
  }
}

function writeHeader(handle: FileSystemSyncAccessHandle, bytes: number, options: WorkerOptions): void {
  const header = new Slab(PAGE);
  const { view } = header;
  view.setUint32(8, 1, true);
  view.setUint32(12, options.entries, true);
  setU64(view, 24, bytes);
  view.setUint32(32, TRACKS, true);
  crypto.getRandomValues(header.bytes.subarray(40, 56));
  setU64(view, 56, zeroNs());
  putText(view, 64, 64, options.name);
  putText(view, 128, 256, options.pageUrl);
  handle.write(header.bytes, { at: 0 });
  handle.write(new TextEncoder().encode(MAGIC), { at: 0 });
}
