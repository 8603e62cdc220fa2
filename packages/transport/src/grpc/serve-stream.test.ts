import { EventEmitter } from 'node:events';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { serveStream } from './serve-stream.js';

const never = new AbortController().signal;

/** A call without a network, and what was written to it. */
function fakeCall() {
  const written: number[] = [];
  const call = Object.assign(new EventEmitter(), {
    cancelled: false,
    write: (message: number, done: () => void) => {
      written.push(message);
      done();
    },
  });
  const cancel = () => {
    call.cancelled = true;
    call.emit('cancelled');
  };
  return { call: call as unknown as ServerWritableStream<unknown, number>, written, cancel };
}

async function* numbers() {
  yield 1;
  yield 2;
}

describe('a stream', () => {
  test('is written to its end', async () => {
    const { call, written } = fakeCall();
    await serveStream(call, never, numbers, (item) => item);
    expect(written).toEqual([1, 2]);
  });

  test('that its client resets together with the request is never opened', async () => {
    const { call, cancel } = fakeCall();
    let opened = 0;
    const open = () => {
      opened += 1;
      return numbers();
    };
    const served = serveStream(call, never, open, (item) => item);
    cancel();
    await served;
    expect(opened).toBe(0);
  });

  test('whose client leaves ends what it was opened for', async () => {
    const { call, written, cancel } = fakeCall();
    let signal: AbortSignal | undefined;
    async function* endless(left: AbortSignal) {
      signal = left;
      for (let number = 1; ; number += 1) {
        yield number;
        if (number === 3) cancel();
      }
    }
    await serveStream(call, never, endless, (item) => item);
    expect(signal?.aborted).toBe(true);
    expect(written).toEqual([1, 2, 3]);
  });

  test('that a shutdown finds open ends with unavailable', async () => {
    const { call } = fakeCall();
    await expect(serveStream(call, AbortSignal.abort(), numbers, (item) => item)).rejects.toMatchObject({
      kind: 'unavailable',
    });
  });
});
