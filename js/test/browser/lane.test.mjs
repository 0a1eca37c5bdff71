// Lanes of a real Chromium, consumed by the text of docs/abi.md.
import assert from 'node:assert/strict';
import { LaneConsumer, findLanes } from '../lane.mjs';
import { FLAG, pattern } from '../read.mjs';
import { launch, serve } from './chromium.mjs';
import { assertSamples, ended, framesOf, isPattern } from './expect.mjs';
import { after, before, test } from './suite.mjs';
import { until } from './until.mjs';

let browser;
let site;
let page;
const consumers = [];

before(async () => {
  site = await serve({ '/frames': '<!doctype html><iframe src=/></iframe><iframe src=/></iframe>' });
  browser = await launch();
  page = await browser.newPage(site.url);
});

after(async () => {
  consumers.forEach((consumer) => consumer.stop());
  await browser?.close();
  await site?.close();
});

/** Opens a ring in a fresh page, and consumes its lane. */
async function openRing(options = {}) {
  await page.goto(site.url);
  const old = new Set(findLanes(browser.profile));
  await page.eval(async (o) => { window.ring = await FrameRing.open({ transport: 'lane', ...o }); }, { bytes: 8 << 20, ...options });
  const [path] = await until(() => { const lanes = findLanes(browser.profile).filter((lane) => !old.has(lane)); return lanes.length && lanes; });
  return consume(path);
}

async function consume(path) {
  const consumer = new LaneConsumer(path);
  consumers.push(consumer);
  await until(() => consumer.agreed);
  return consumer;
}

test('the header, and what begins an epoch', async () => {
  const consumer = await openRing({ name: 'näme', entries: 64 });
  assert.deepEqual([consumer.n, consumer.dataBytes, consumer.tracks, consumer.name], [64, 8 << 20, 128, 'näme']);
  assert.deepEqual([consumer.url, consumer.size], [site.url, (8 << 20) + 12288]);
  assert.ok(Math.abs(consumer.zero / 1e6 - Date.now()) < 60_000);
  await until(() => consumer.entries.length >= 8);
  assert.ok(consumer.entries.slice(0, 8).every(({ what }) => what === 'time'));
  const now = Date.now();
  assert.ok(Math.abs(consumer.zero / 1e6 + consumer.entries[7].sent / 1e6 - now) < 5000);
});

test('every pixel format arrives byte for byte, odd sizes too', async () => {
  const consumer = await openRing();
  const formats = { I420: 'YU12', I420A: 'A420', I422: 'YU16', I444: 'YU24', NV12: 'NV12', RGBA: 'AB24', BGRA: 'AR24', RGBX: 'XB24', BGRX: 'XR24', I420P10: 'S010', I422P10: 'S210', I444P10: 'S410' };
  for (const [format, fourcc] of Object.entries(formats)) {
    for (const [width, height] of [[64, 48], [33, 17]]) {
      const id = await page.eval(async (format, width, height) => {
        const source = videoSource(5, format, width, height);
        const { id, ended } = ring.captureTrack(source.track, { label: format });
        await settle();
        await play(source, 3, 15);
        await source.end();
        await ended;
        return id;
      }, format, width, height);
      await ended(consumer, id);
      const frames = framesOf(consumer, id);
      assert.equal(frames.at(-1).flags, FLAG.eos | FLAG.estimatedTs, format);
      assert.equal(frames.length, 4, format);
      for (const frame of frames.slice(0, 3)) {
        assert.deepEqual([frame.fourcc, frame.coded, frame.visible, frame.display], [fourcc, [width, height], [0, 0, width, height], [width, height]]);
        assert.ok(isPattern(frame, 5), `${format} ${width}x${height} frame ${frame.sequence}`);
      }
      consumer.entries.length = 0;
    }
  }
});

test('crop, rotation, colours, a change of the size', async () => {
  const consumer = await openRing();
  const id = await page.eval(async () => {
    const source = videoSource(6, 'I420', 32, 16);
    const { id, ended } = ring.captureTrack(source.track);
    await settle();
    await source.next({ visibleRect: { x: 4, y: 2, width: 9, height: 5 }, displayWidth: 18, displayHeight: 10 });
    await wait(20);
    await source.next({ rotation: 90, flip: true, colorSpace: { primaries: 'bt2020', transfer: 'pq', matrix: 'bt2020-ncl', fullRange: true } });
    await wait(20);
    await source.end();
    await ended;
    return id;
  });
  await ended(consumer, id);
  const [crop, turned] = framesOf(consumer, id);
  assert.deepEqual([crop.coded, crop.visible, crop.display, crop.payload.length], [[9, 5], [0, 0, 9, 5], [18, 10], 75]);
  const whole = Buffer.from(pattern(6, 0, 768));
  const luma = Buffer.concat([2, 3, 4, 5, 6].map((y) => whole.subarray(y * 32 + 4, y * 32 + 13)));
  assert.deepEqual(crop.payload.subarray(0, 45), luma);
  assert.deepEqual([turned.transform, turned.display, turned.colour], [5, [16, 32], [2, 9, 16, 9]]);
  assert.equal(turned.flags, FLAG.formatChanged);
});

test('five tracks at once: pictures and samples are exact, on one clock', async () => {
  const consumer = await openRing({ bytes: 32 << 20 });
  await page.eval(async () => {
    window.videos = [videoSource(1, 'I420', 641, 359), videoSource(2, 'NV12', 320, 180), videoSource(3, 'RGBA', 99, 101)];
    window.sounds = [audioSource(4, 2), audioSource(5, 1)];
    window.captures = [...videos, ...sounds].map((source, i) => ring.captureTrack(source.track, { label: `track ${i}`, sourceId: i }));
    await settle();
    await Promise.all([play(videos, 25, 33), play(sounds, 80, 10)]);
    await Promise.all([...videos, ...sounds].map((source) => source.end()));
    await Promise.all(captures.map((capture) => capture.ended));
  });
  for (let id = 1; id <= 5; id++) await ended(consumer, id);
  for (const id of [1, 2, 3]) {
    const frames = framesOf(consumer, id).slice(0, -1);
    assert.equal(frames.length, 25);
    assert.ok(frames.every((frame) => isPattern(frame, id) && frame.sourceId === id - 1));
    assert.deepEqual(frames.map((frame) => frame.sequence), frames.map((_, i) => i));
  }
  for (const [id, channels] of [[4, 2], [5, 1]]) {
    const blocks = framesOf(consumer, id).slice(0, -1);
    assert.equal(blocks.length, 80);
    for (const block of blocks) {
      assert.deepEqual([block.channels, block.rate, block.frames], [channels, 48000, 480]);
      assertSamples(block, id);
    }
  }
  const frames = consumer.entries.filter((e) => e.what === 'frame');
  assert.ok(frames.every((frame) => frame.mono <= frame.sent && frame.sent - frame.mono < 2e9));
  const tracks = consumer.entries.filter((e) => e.what === 'track' && e.state === 'open');
  assert.deepEqual(tracks.map((t) => [t.kind, t.source, t.sourceId, t.label]), [
    ['video', 1, 0, 'track 0'], ['video', 1, 1, 'track 1'], ['video', 1, 2, 'track 2'], ['audio', 3, 3, 'track 3'], ['audio', 3, 4, 'track 4'],
  ]);
});

test('blocks that share writes, over the end of a small lane many times', async () => {
  const consumer = await openRing({ bytes: 65536, audioBatchMs: 40 });
  // Never idle, so that it goes on to the end and not back to offset 0 before.
  consumer.lag = 1;
  await page.eval(async () => {
    window.sound = audioSource(7, 1);
    window.capture = ring.captureTrack(sound.track);
    await settle();
    await play(sound, 150, 10);
    await sound.end();
    await capture.ended;
  });
  await ended(consumer, 1);
  const blocks = framesOf(consumer, 1).slice(0, -1);
  assert.equal(blocks.length, 150);
  for (const block of blocks) assertSamples(block, 7);
  assert.deepEqual(blocks.map((block) => block.sequence), blocks.map((_, i) => i));
  assert.ok(consumer.pads > 2, `${consumer.pads}`);
  // Posted together, stamped together.
  const together = blocks.filter((block, i) => i > 0 && block.sent - blocks[i - 1].sent < 1e6).length;
  assert.ok(together > 75, `${together} of 150`);
});

test('demand: off, and a greatest rate', async () => {
  const consumer = await openRing();
  const capture = (count, ms) => page.eval(async (count, ms) => { await play(source, count, ms); return capture.stats(); }, count, ms);
  await page.eval(() => { window.source = videoSource(1, 'I420', 64, 64); window.capture = ring.captureTrack(source.track); return settle(); });
  await capture(3, 20);
  consumer.demand(1, { off: true });
  await new Promise((resolve) => setTimeout(resolve, 120));
  const off = await capture(10, 20);
  assert.equal(off.frames + off.unwanted, 13);
  assert.ok(off.unwanted >= 9, `${off.unwanted}`);
  consumer.demand(1, { fpsMilli: 15000 });
  await new Promise((resolve) => setTimeout(resolve, 120));
  const before = framesOf(consumer, 1).length;
  const slow = await capture(30, 33);
  assert.equal(slow.dropped, 0);
  const got = slow.frames - off.frames;
  assert.ok(got >= 12 && got <= 19, `${got} of 30 frames at half the rate`);
  await until(() => framesOf(consumer, 1).length === before + got);
  assert.equal(framesOf(consumer, 1)[before].flags, FLAG.discont);
  const counted = await until(() => consumer.entries.findLast((e) => e.what === 'counters' && e.frames === slow.frames));
  assert.deepEqual([counted.number, counted.unwanted], [1, slow.unwanted]);
});

test('a slow consumer: drops are counted and told, memory is bounded, then it goes on', async () => {
  const consumer = await openRing({ bytes: 1 << 20 });
  await page.eval(() => { window.source = videoSource(2, 'I420', 320, 240); window.capture = ring.captureTrack(source.track); return settle(); });
  const played = () => page.eval(async () => { await play(source, 20, 15); return capture.stats(); });
  consumer.hold = true;
  const full = await played();
  // 7/8 of 1 MiB hold seven pictures of 115,456 bytes.
  assert.ok(full.frames <= 7 && full.dropped >= 12, JSON.stringify(full));
  assert.ok(consumer.maxInUse <= (1 << 20) * 7 / 8 + 4096);
  consumer.hold = false;
  await new Promise((resolve) => setTimeout(resolve, 20));
  const after = await played();
  assert.equal(after.frames + after.dropped, 40);
  await until(() => framesOf(consumer, 1).length === after.frames);
  const frames = framesOf(consumer, 1);
  assert.equal(frames.reduce((sum, frame) => sum + frame.droppedBefore, 0), after.dropped);
  assert.ok(frames.every((frame) => isPattern(frame, 2)));
  assert.ok(frames.every((frame) => (frame.droppedBefore > 0) === (frame.flags === FLAG.discont) || frame === frames[0]));
  assert.ok(consumer.pads > 0);
});

test('a consumer that comes again begins a new epoch', async () => {
  const first = await openRing();
  await page.eval(async () => {
    window.source = videoSource(3, 'I420', 64, 64);
    window.capture = ring.captureTrack(source.track, { label: 'Ada', participant: 'p' });
    await settle();
    await play(source, 5, 20);
  });
  first.stop();
  consumers.splice(consumers.indexOf(first), 1);
  await page.eval(() => play(source, 5, 20));
  const second = await consume(first.path);
  assert.equal(second.epoch, first.epoch + 1);
  await page.eval(() => play(source, 5, 20));
  await until(() => framesOf(second, 1).length === 5);
  const [track] = second.entries.filter(({ what }) => what !== 'time');
  assert.deepEqual([track.what, track.state, track.label, track.participant], ['track', 'open', 'Ada', 'p']);
  const frames = framesOf(second, 1);
  assert.ok(frames.every((frame) => isPattern(frame, 3)));
  assert.deepEqual([frames[0].flags, frames[0].droppedBefore, frames[0].pts], [FLAG.discont, 0, 10 * 33333e3]);
  assert.equal((await page.eval(() => ring.stats())).epochs, 2);
});

test('messages, events, notes, frames that the page writes', async () => {
  const consumer = await openRing();
  const results = await page.eval(async () => {
    const data = ring.track({ label: 'chat' });
    const video = ring.track({ kind: 'video', source: 'screen' });
    const audio = ring.track({ kind: 'audio', source: 'mixed' });
    ring.note('a note');
    const picture = new VideoFrame(pattern(9, 0, 24), { format: 'I420', codedWidth: 4, codedHeight: 4, timestamp: 0 });
    const sound = new AudioData({ format: 'f32-planar', sampleRate: 8000, numberOfFrames: 4, numberOfChannels: 1, timestamp: 0, data: Float32Array.of(0, 0.5, -0.5, 1) });
    const sent = [
      await ring.write(data, 'hällo', { pts: 1.5 }),
      await ring.write(data, Uint8Array.of(1, 2, 3).subarray(1)),
      await ring.write(data, new Uint8Array(100_000).fill(7)),
      await ring.write(data, '', { event: { code: 5, subject: 6, arg: 7n } }),
      await ring.write(video, picture),
      await ring.write(audio, sound),
    ];
    ring.endTrack(data);
    return [sent, picture.codedWidth, sound.numberOfFrames, await ring.write(99, 'x').catch((why) => why.code)];
  });
  assert.deepEqual(results, [[true, true, true, true, true, true], 4, 4, 'bad-argument']);
  await ended(consumer, 1);
  const [text, bytes, large, event, last] = framesOf(consumer, 1);
  assert.deepEqual([text.kind, text.pts, text.payload.toString()], ['opaque', 1.5e6, 'hällo']);
  assert.deepEqual([bytes.pts, [...bytes.payload]], [undefined, [2, 3]]);
  assert.ok(large.payload.length === 100_000 && large.payload.every((byte) => byte === 7));
  assert.deepEqual([event.kind, event.code, event.subject, event.arg], ['event', 5, 6, 7]);
  assert.equal(last.flags & FLAG.eos, FLAG.eos);
  assert.ok(isPattern(framesOf(consumer, 2)[0], 9));
  await until(() => framesOf(consumer, 3).length === 1);
  assert.deepEqual([0, 4, 8, 12].map((at) => framesOf(consumer, 3)[0].payload.readFloatLE(at)), [0, 0.5, -0.5, 1]);
  assert.ok(consumer.entries.some((e) => e.what === 'note' && e.text === 'a note'));
});

test('a reload ends a lane, the next one is new; what is left behind goes', async () => {
  const consumer = await openRing();
  await page.eval(async () => { window.source = videoSource(4, 'I420', 64, 64); ring.captureTrack(source.track); await settle(); await play(source, 3, 20); });
  await until(() => framesOf(consumer, 1).length === 3);
  const next = await openRing();
  assert.notEqual(next.path, consumer.path);
  // Locks of ended workers go a moment later: by the next opening at the latest the first file is gone.
  await page.eval(async () => (await FrameRing.open({ transport: 'lane', bytes: 1 << 20 })).close());
  assert.deepEqual(findLanes(browser.profile), [next.path]);
  await page.eval(async () => { window.source = videoSource(5, 'I420', 64, 64); ring.captureTrack(source.track); await settle(); await play(source, 3, 20); await ring.close(); });
  assert.equal(framesOf(next, 1).length, 4);
  await until(() => !findLanes(browser.profile).includes(next.path));
  assert.equal(await page.eval(() => ring.write(1, 'x').catch((why) => why.code)), 'bad-argument');
  assert.equal(await page.eval(() => { try { ring.track(); } catch (why) { return why.code; } }), 'closed');
});

test('rings opened at once take nothing from each other, and a file taken for an old one is made anew', async () => {
  await page.goto(site.url);
  const opened = await page.eval(async () => {
    let opening = true;
    const remove = async () => {
      const lanes = await (await navigator.storage.getDirectory()).getDirectoryHandle('frame-ring', { create: true });
      while (opening) for await (const name of lanes.keys()) await lanes.removeEntry(name).catch(() => {});
    };
    const removed = remove();
    window.rings = await Promise.all(Array.from({ length: 8 }, () => FrameRing.open({ transport: 'lane', bytes: 1 << 20 }).catch(String)));
    opening = false;
    await removed;
    return rings.map((ring) => ring.transport ?? ring);
  });
  assert.deepEqual(opened, Array(8).fill('lane'));
  assert.equal(findLanes(browser.profile).length, 8);
});

test('two frames of one page have a lane each', async () => {
  const old = new Set(findLanes(browser.profile));
  await page.goto(`${site.url}frames`);
  await page.eval(async () => {
    for (const [i, { contentWindow: frame }] of [...document.querySelectorAll('iframe')].entries()) {
      frame.ring = await frame.FrameRing.open({ transport: 'lane', bytes: 1 << 20, name: `frame ${i}` });
      frame.source = frame.eval('videoSource')(i, 'I420', 64, 64);
      frame.ring.captureTrack(frame.source.track);
      await frame.eval('settle')();
    }
  });
  const lanes = findLanes(browser.profile).filter((lane) => !old.has(lane));
  assert.equal(lanes.length, 2);
  const both = await Promise.all(lanes.map(consume));
  await page.eval(async () => {
    for (const { contentWindow: frame } of document.querySelectorAll('iframe')) await frame.eval('play')(frame.source, 3, 20);
  });
  for (const consumer of both) {
    await until(() => framesOf(consumer, 1).length === 3);
    assert.ok(framesOf(consumer, 1).every((frame) => isPattern(frame, Number(consumer.name.at(-1)))));
  }
});

test('numbers of tracks: stopped ones are free again, 129 are too many', async () => {
  const consumer = await openRing();
  const got = await page.eval(async () => {
    const ids = Array.from({ length: 128 }, () => ring.track());
    let code;
    try { ring.track(); } catch (why) { code = why.code; }
    ring.endTrack(77);
    await wait(100);
    return [ids, code, ring.track()];
  });
  assert.deepEqual(got, [Array.from({ length: 128 }, (_, i) => i + 1), 'too-many-tracks', 77]);
  await ended(consumer, 77);
});

test('what the consumer must know of tracks is told as soon as there is room', async () => {
  const consumer = await openRing({ entries: 2, bytes: 65536 });
  await page.eval(async () => { window.id = ring.track({ label: 'first' }); await wait(200); });
  assert.equal(await page.eval(() => ring.write(id, 'in time')), true);
  await until(() => framesOf(consumer, 1).length === 1);
  consumer.hold = true;
  const results = await page.eval(async () => {
    const results = [await ring.write(id, 'a'), await ring.write(id, 'b'), await ring.write(id, 'c')];
    ring.endTrack(id);
    window.next = ring.track({ label: 'second' });
    results.push(await ring.write(next, 'too early'));
    await wait(150);
    return results;
  });
  assert.deepEqual(results, [true, true, false, false]);
  assert.ok(!consumer.entries.some((e) => e.state === 'ended' || e.label === 'second'));
  consumer.hold = false;
  await until(() => consumer.entries.some((e) => e.state === 'open' && e.label === 'second'));
  assert.deepEqual(consumer.entries.filter((e) => e.what === 'track').map((e) => [e.label, e.state]), [['first', 'open'], ['first', 'ended'], ['second', 'open']]);
  assert.equal(await page.eval(() => ring.write(next, 'now')), true);
  await until(() => framesOf(consumer, 2).length === 1);
});
