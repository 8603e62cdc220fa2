import { EventEmitter } from 'node:events';
import { Metadata, type ServerWritableStream } from '@grpc/grpc-js';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Subscription } from '@trikd/core/exchange/subscribe';
import { fromSubscription } from '@trikd/protocol/convert';
import type { StreamLogitsRequest } from '@trikd/protocol/gen/node/trikd/v1/exchange';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { ANONYMOUS, type Caller, type Role, setCaller } from '@trikd/transport/access/caller';
import { expect, test } from 'vitest';
import { ExchangeController } from './exchange.controller.js';

const request = fromSubscription({
  consumer: 'student',
  producer: 'teacher',
  from: { runId: 'r', stage: 0, attempt: 1, step: 0 },
  agreement: { specDigest: 'aa', datasetDigest: 'bb', classes: 2, batchSize: 1, seed: 0 },
  secret: SECRET,
});

/** Calls as `caller`, and returns whose frames the source was asked for, for whom. */
async function called(caller: Caller): Promise<string[]> {
  const asked: string[] = [];
  const source = {
    async *frames({ consumer, producer }: Subscription): AsyncGenerator<LogitsFrame, void> {
      asked.push(`${consumer} hears ${producer}`);
      yield* [];
    },
  };
  const metadata = new Metadata();
  setCaller(metadata, caller);
  const call = new EventEmitter() as unknown as ServerWritableStream<StreamLogitsRequest, LogitsFrame>;
  await new ExchangeController(source, new AbortController().signal).streamLogits(request, metadata, call);
  return asked;
}

const service = (role: Role): Caller => ({ kind: 'service', role, id: `spiffe://trikd/ns/default/sa/${role}` });

test.each([
  ['the student-trainer', service('student-trainer')],
  ['an anonymous caller, where plain text was chosen', ANONYMOUS],
])('frames of the student are for %s', async (_who, caller) => {
  expect(await called(caller)).toEqual(['student hears teacher']);
});

test.each([
  ['the teacher-trainer', service('teacher-trainer')],
  ['the orchestrator', service('orchestrator')],
  ['a person', { kind: 'user', subject: 'ann', teams: [], verbs: ['admin'] } as const],
])('frames of the student are not for %s, and its stream goes on', async (_who, caller) => {
  await expect(called(caller)).rejects.toMatchObject({
    kind: 'forbidden',
    message: 'only the student-trainer may receive frames as the student',
  });
});
