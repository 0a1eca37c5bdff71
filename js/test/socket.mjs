// The consumer's half of "The same over a WebSocket" in docs/abi.md.
import { WebSocketServer } from 'ws';
import { readEntry } from './read.mjs';

const [CREDIT, DEMAND] = [1, 2];

export class SocketConsumer {
  /** One for each connection: its entries, and the most bytes that were on their way. */
  connections = [];
  /** While true, nothing is credited. */
  hold = false;
  #server;
  #window;

  /** Listens on a free port of localhost, or on `port`. */
  static async listen({ window = 8 << 20, port = 0 } = {}) {
    const consumer = new SocketConsumer();
    consumer.#window = window;
    consumer.#server = new WebSocketServer({ host: 'localhost', port, handleProtocols: (all) => all.has('frame-ring.v1') && 'frame-ring.v1' });
    consumer.#server.on('connection', (socket) => consumer.#accept(socket));
    await new Promise((resolve) => consumer.#server.once('listening', resolve));
    return consumer;
  }

  get port() {
    return this.#server.address().port;
  }

  get url() {
    return `ws://localhost:${this.port}/`;
  }

  /** Of the latest connection. */
  get entries() {
    return this.connections.at(-1)?.entries ?? [];
  }

  demand(track, { off = false, width = 0, height = 0, fpsMilli = 0 }) {
    const b = Buffer.alloc(20);
    b.writeUInt32LE(DEMAND, 0);
    b.writeUInt32LE(track, 4);
    b[8] = off ? 1 : 0;
    b.writeUInt16LE(width, 10);
    b.writeUInt16LE(height, 12);
    b.writeUInt32LE(fpsMilli, 16);
    this.connections.at(-1).socket.send(b);
  }

  /** Credits all that was taken. */
  release() {
    this.hold = false;
    this.connections.forEach((connection) => this.#credit(connection));
  }

  async close() {
    for (const { socket } of this.connections) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket) {
    const connection = { socket, entries: [], taken: 0, credited: 0, maxOnWay: 0 };
    this.connections.push(connection);
    this.#credit(connection);
    socket.on('message', (data, isBinary) => {
      if (!isBinary) throw new Error('a text message');
      const entry = readEntry(data);
      if (entry.bytes !== data.length) throw new Error(`an entry of ${entry.bytes} bytes in a message of ${data.length}`);
      connection.entries.push(entry);
      connection.taken += Math.ceil(data.length / 64) * 64;
      connection.maxOnWay = Math.max(connection.maxOnWay, connection.taken - connection.credited);
      if (!this.hold) this.#credit(connection);
    });
  }

  #credit(connection) {
    const b = Buffer.alloc(16);
    b.writeUInt32LE(CREDIT, 0);
    b.writeUInt32LE(this.#window, 4);
    b.writeBigUInt64LE(BigInt(connection.taken), 8);
    connection.credited = connection.taken;
    connection.socket.send(b);
  }
}
