//! The worker's entry: takes the page's messages, one session.

import { FrameRingError } from '../error';
import type { FromWorker, ToWorker } from '../messages';
import { Session } from './session';

const scope = self as unknown as DedicatedWorkerGlobalScope;
let session: Session | undefined;

function say(message: FromWorker): void {
  scope.postMessage(message);
}

function refuse(ask: number, why: unknown): void {
  const { code, message } = FrameRingError.from(why, 'failed', 'the worker failed');
  say({ op: 'refused', ask, code, message });
}

async function answer(ask: number, value: Promise<unknown> | unknown): Promise<void> {
  try {
    say({ op: 'answer', ask, value: await value });
  } catch (why) {
    refuse(ask, why);
  }
}

function open(message: ToWorker & { op: 'open' }): Promise<unknown> {
  session = new Session(message.options, {
    ended: (number) => say({ op: 'ended', number }),
    broke: (why) => refuse(0, why),
  });
  return session.open();
}

scope.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  switch (data.op) {
    case 'open':
      return void answer(data.ask, open(data));
    case 'track':
      return session?.addTrack(data.number, data.info);
    case 'capture':
      return void session?.capture(data.number, data.readable);
    case 'end':
      return session?.endTrack(data.number);
    case 'write':
      return void answer(data.ask, session?.write(data.number, data.data, data.event, data.ptsNs, data.dropped));
    case 'note':
      return session?.note(data.text);
    case 'stats':
      return void answer(data.ask, session?.stats());
    case 'close':
      return void answer(data.ask, session?.close());
  }
};

say({ op: 'hello' });
