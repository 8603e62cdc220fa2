import { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { expect, test } from 'vitest';
import { RUN_SERVICE } from './run-service.js';

const { responseSerialize } = RUN_SERVICE.watchRun;
const drained = (step: number): WatchRunResponse => ({
  event: { $case: 'drained', value: { stage: 0, step } },
  number: step,
  time: undefined,
});

test('an event is encoded once, as any other encodes it', () => {
  const message = drained(7);
  const bytes = responseSerialize(message);
  expect(WatchRunResponse.decode(bytes)).toEqual(message);
  expect(responseSerialize(message)).toBe(bytes);
});

test('what is kept of an encoded event is as long as the event', () => {
  const bytes = responseSerialize(drained(7));
  expect(bytes.buffer.byteLength).toBe(bytes.length);
});
