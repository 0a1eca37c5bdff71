'use strict';
// What a script writes into a ring of its own, on the page or in a worker.

const WRITES = 4;

/** The name of the error that something ends with. */
function refused(run) {
  try {
    return `none, but ${JSON.stringify(run())}`;
  } catch (why) {
    return why.name;
  }
}

async function writes() {
  const ring = await FrameRing.open({ name: 'writes' });
  const told = { written: [], capacity: ring.capacity, attach: 'attach' in ring };
  const about = { label: 'pictures', source: 'screen', sourceId: 9, participant: 'p-9' };
  const write = (id, data, options) => {
    told.written.push(ring.write(id, data, options));
    data.close?.();
  };
  for (let n = 0; n < WRITES; n++) {
    write(1, numbered('I420', 33, 17, n), about);
    write(2, block(2, 441, n), { label: 'sound', source: 'microphone' });
    // Each kind of bytes: the whole, a part, a view.
    const bytes = pattern(1000 + n, n);
    write(3, [bytes, bytes.buffer, new DataView(bytes.buffer, 8), bytes.subarray(3, 500)][n], { label: 'bytes' });
  }
  const interleaved = Int16Array.from({ length: 20 }, (_, i) => i * 1000 - 10_000);
  const format = { format: 's16', sampleRate: 16000, numberOfFrames: 10, numberOfChannels: 2 };
  write(4, new AudioData({ ...format, timestamp: 7, data: interleaved }), { label: 'interleaved' });
  const gone = numbered('I420', 2, 2, 0);
  gone.close();
  told.stats = [1, 2, 3, 4].map((id) => ring.getStats(id));
  told.refused = {
    closed_frame: refused(() => ring.write(1, gone)),
    other_kind: refused(() => ring.write(1, new Uint8Array(1))),
    no_id: refused(() => ring.write(0, new Uint8Array(1))),
    id_of_tracks: refused(() => ring.write(2 ** 31, new Uint8Array(1))),
    unknown_stats: refused(() => ring.getStats(77)),
  };
  told.longest = [ring.write(5, new Uint8Array(ring.capacity + (1 << 20)), { label: 'longest' }), ring.getStats(5)];
  told.counted = [ring.framesWritten, ring.bytesWritten, ring.framesDropped];
  ring.detach(3);
  told.refused.detached_stats = refused(() => ring.getStats(3));
  ring.close();
  told.refused.closed_ring = refused(() => ring.write(1, new Uint8Array(1)));
  told.closed = ring.closed;
  return told;
}
