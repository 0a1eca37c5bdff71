// What the page may put where in a lane, against a consumer that keeps books of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { Books, part } = await load('worker/books.ts');

/** Takes and releases what is posted, and knows which bytes are in use. */
class Consumer {
  constructor(books) {
    this.books = books;
    this.released = new Uint8Array(books.entries);
    this.next = this.at = 0;
    this.owed = [];
  }

  lap(i) {
    return (Math.floor(i / this.books.entries) % 127) + 1;
  }

  /** Takes what was posted; `bytes` are the lengths of the entries that are no pads, in order. */
  take(bytes) {
    for (; this.next < this.books.next; this.next++) {
      const byte = this.books.posted[this.next % this.books.entries];
      assert.equal(byte & 127, this.lap(this.next));
      const left = this.books.dataBytes - this.at;
      const length = byte > 127 ? left : Math.ceil(bytes.shift() / 64) * 64;
      assert.ok(length <= left, 'contiguous');
      this.owed.push({ i: this.next, at: this.at, length });
      this.at = (this.at + length) % this.books.dataBytes;
    }
    assert.ok(this.owed.length <= this.books.entries);
    assert.ok(this.owed.reduce((sum, { length }) => sum + length, 0) <= this.books.dataBytes);
  }

  release(n = Infinity) {
    for (const { i } of this.owed.splice(0, n)) this.released[i % this.books.entries] = this.lap(i);
    this.books.release(this.released);
  }
}

test('limits of pictures, sound and the rest', () => {
  for (const [share, bytes] of [['picture', 57344], ['sound', 63488], ['rest', 65536]]) {
    const books = new Books(65536, 1024);
    let used = 0;
    while (books.claim(64, share) !== undefined) used += 64;
    assert.equal(used, bytes);
    assert.equal(part(65536, share), bytes);
  }
  const few = new Books(65536, 8);
  const claims = (share) => Array.from({ length: 9 }, () => few.claim(64, share)).filter((at) => at !== undefined).length;
  assert.deepEqual([claims('picture'), claims('sound'), claims('rest')], [7, 0, 1]);
});

test('the longest entry', () => {
  const books = new Books(65536, 4);
  assert.equal(books.longest, 65536 - 8192);
  assert.equal(books.fits(books.longest + 1, 'rest'), false);
  assert.equal(books.claim(books.longest, 'rest'), 0);
  const large = new Books(64 << 20, 4);
  assert.equal(large.longest, (64 << 20) - (256 << 10));
});

test('what does not fit before the end begins at 0 again, behind a pad', () => {
  const books = new Books(65536, 8);
  const consumer = new Consumer(books);
  assert.equal(books.claim(30000, 'rest'), 0);
  assert.equal(books.claim(20000, 'rest'), 30016);
  consumer.take([30000, 20000]);
  consumer.release(1);
  assert.equal(books.claim(20000, 'rest'), 0);
  assert.equal(books.next, 4);
  assert.equal(books.posted[2], 129);
  assert.equal(books.posted[3], 1);
  consumer.take([20000]);
  consumer.release();
  assert.ok(books.idle);
});

test('an idle lane goes back to offset 0 once that is an eighth away', () => {
  const books = new Books(65536, 8);
  const consumer = new Consumer(books);
  books.claim(8000, 'rest');
  assert.equal(books.goBack(), false, 'not idle');
  consumer.take([8000]);
  consumer.release();
  assert.equal(books.goBack(), false, 'not far enough');
  books.claim(200, 'rest');
  consumer.take([200]);
  consumer.release();
  assert.equal(books.goBack(), true);
  consumer.take([]);
  consumer.release();
  assert.equal(books.claim(64, 'rest'), 0);
});

test('a busy lane goes back, too, as soon as the pad leaves room', () => {
  const books = new Books(1 << 20, 64);
  const consumer = new Consumer(books);
  let most = 0;
  for (let i = 0; i < 200; i++) {
    most = Math.max(most, books.claim(10000, 'picture'));
    consumer.take([10000]);
    consumer.release();
  }
  assert.ok(most > (1 << 20) / 8 && most < (1 << 20) / 2, `${most}`);
});

test('claims that were given up leave nothing behind', () => {
  const books = new Books(65536, 8);
  const consumer = new Consumer(books);
  books.claim(40000, 'rest');
  consumer.take([40000]);
  const mark = books.mark();
  const claims = () => [books.claim(20000, 'rest'), books.claim(20000, 'rest'), books.claim(2000, 'rest')];
  assert.deepEqual(claims(), [40000, undefined, 60032]);
  books.rewind(mark);
  assert.deepEqual(claims(), [40000, undefined, 60032]);
  consumer.take([20000, 2000]);
  consumer.release();
  assert.ok(books.idle);
});

test('any sequence of claims and releases', () => {
  let seed = 1;
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
  for (let round = 0; round < 20; round++) {
    const books = new Books(65536 << random(3), 2 << random(6));
    const consumer = new Consumer(books);
    const lengths = [];
    let refused = 0;
    for (let i = 0; i < 20000; i++) {
      const [bytes, share] = [256 + random(round % 2 ? 3000 : 30000), ['picture', 'sound', 'rest'][random(3)]];
      const fits = books.fits(bytes, share);
      const at = books.claim(bytes, share);
      assert.equal(at !== undefined, fits);
      if (at === undefined) refused += 1;
      else lengths.push(bytes);
      if (at === undefined && books.idle) books.goBack();
      if (random(2)) consumer.take(lengths);
      if (random(3) === 0) consumer.release(random(4));
    }
    consumer.take(lengths);
    consumer.release();
    assert.ok(books.idle);
    assert.ok(refused < 20000);
  }
});
