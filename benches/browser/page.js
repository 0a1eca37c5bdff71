// The page of the browser benchmark: the same tracks, read by way of one of several transports. `bench.ready` resolves when
// frames flow; `bench.count()` says how many frames were got so far and how many of these were not sent.

const options = Object.fromEntries(new URLSearchParams(location.search));
const bench = (window.bench = {});

async function tracks() {
  const exact = (n) => ({ exact: Number(n) });
  const asked = {
    audio: options.kind !== 'video' && { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    video:
      options.kind !== 'audio' && { width: exact(options.width), height: exact(options.height), frameRate: exact(options.fps) },
  };
  const stream = await navigator.mediaDevices.getUserMedia(asked);
  return stream.getTracks().flatMap((first) => [first, ...Array.from({ length: options.tracks - 1 }, () => first.clone())]);
}

/** The library, as a user has it. */
async function library(media) {
  const ring = await FrameRing.open({ transport: options.transport, url: options.url, name: 'bench' });
  // Frames that come before anybody wants them are not copied, and not lost.
  while (!(await ring.stats()).consumer) await new Promise((done) => setTimeout(done, 10));
  const captures = media.map((track, i) => ring.captureTrack(track, { label: `track ${i}` }));
  bench.count = async () => {
    const { tracks } = await ring.stats();
    const sum = (of) => captures.reduce((sum, { id }) => sum + of(tracks[id]), 0);
    return { captured: sum((t) => t.frames + t.dropped + t.unwanted), dropped: sum((t) => t.dropped + t.unwanted) };
  };
  bench.stop = async () => {
    // Sound that waits for company is under way for some milliseconds.
    await new Promise((done) => setTimeout(done, 100));
    const count = await bench.count();
    captures.forEach((capture) => capture.stop());
    return count;
  };
}

/** What one would write by hand, in a worker, too. */
async function byHand(media) {
  const worker = new Worker('/worker.js');
  let answer;
  worker.onmessage = ({ data }) => answer(data);
  const ask = (message, transfer = []) =>
    new Promise((resolve) => {
      answer = resolve;
      worker.postMessage(message, transfer);
    });
  await ask({ op: 'open', options });
  for (const track of media) {
    const { readable } = new MediaStreamTrackProcessor({ track });
    worker.postMessage({ op: 'track', readable }, [readable]);
  }
  bench.count = () => ask({ op: 'count' });
  bench.stop = () => ask({ op: 'stop' });
}

bench.ready = (async () => {
  const media = await tracks();
  const isLibrary = options.transport === 'lane' || options.transport === 'patched' || options.by === 'library';
  await (isLibrary ? library(media) : byHand(media));
  return true;
})();
