import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createFrameWindow } from '@trikd/core/exchange/frame-window';
import { AdmissionLimits, ownAdmission } from '@trikd/core/spec/admission';
import { loadDataset } from '@trikd/model-host/data/load-dataset';
import { createReplicaHost } from '@trikd/model-host/replica/replica-host';
import { createTrainer } from '@trikd/model-host/trainer/trainer';
import { TRAINER_SERVICES, trainerModule } from '@trikd/model-host/trainer/trainer.module';
import { systemClock } from '@trikd/process/system-clock';
import { fromPosition } from '@trikd/protocol/convert';
import { TrainerServiceClient } from '@trikd/protocol/gen/node/trikd/v1/trainer';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { numberTrainer } from '@trikd/testing/toy-model/number-model';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { openClient, unary, watch } from '@trikd/transport/grpc/clients';
import { dialProducer } from '@trikd/transport/grpc/exchange-client';
import { createService } from '@trikd/transport/nest/create-service';
import { afterEach, expect, test } from 'vitest';
import { freshSocket, listenTo, log, serve, sourceOf } from './exchange-rig.js';
import { attempt, spec } from './trio-rig.js';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

const never = new AbortController().signal;

function steer(address: string) {
  const client = openClient(TrainerServiceClient, address);
  opened.push(client);
  return client;
}

/** Takes connections and never says a word. */
async function silentPort(): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push({
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  const bound = server.address();
  return `127.0.0.1:${typeof bound === 'object' ? bound?.port : undefined}`;
}

test('a call without an answer ends at its deadline, with the name of the service', async () => {
  const client = steer(await silentPort());
  await expect(
    unary(client.getTrainer.bind(client), {}, { what: 'the student', deadlineSeconds: 0.2 }),
  ).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringMatching(/^the student: Deadline exceeded/) });
});

test('a call ends with the reason of its signal', async () => {
  const client = steer(await silentPort());
  const left = new AbortController();
  const call = unary(client.getTrainer.bind(client), {}, { what: 'the student', signal: left.signal });
  left.abort(new Error('drained'));
  await expect(call).rejects.toThrow('drained');
});

test('a consumer of a port that accepts connections and never responds ends with one sentence', async () => {
  const address = await silentPort();
  await expect(listenTo(address, { connectTimeoutSeconds: 0.3 }).next()).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining(`the teacher at ${address} did not answer for 0.3 s`),
  });
});

test('a watch is resumed when its server is back, after the last event', async () => {
  const socket = await freshSocket();
  opened.push({ close: socket.remove });
  const store = memoryStore();
  const outside = { dial: dialProducer, clock: systemClock, random: Math.random };
  const trainer = createTrainer({
    role: 'student',
    store,
    loadDataset,
    trainStage: numberTrainer(),
    log,
    ...outside,
  });
  const admission = ownAdmission(AdmissionLimits.parse({}));
  const replicas = createReplicaHost({ role: 'student', admission, loadDataset, clock: systemClock, log });
  const serveTrainer = () =>
    createService({
      module: trainerModule(trainer, replicas, never),
      services: TRAINER_SERVICES,
      listen: socket.address,
      log,
      drainSeconds: 0,
    });
  const first = await serveTrainer();
  const sources = { teacher: '127.0.0.1:1' };
  await trainer.assign({ attempt, term: 1, exchangeSecret: SECRET, spec, limit: 0, sources, promoted: false });
  const client = steer(socket.address);
  const events = watch({
    what: 'the student',
    open: (fromEvent) =>
      client.watchTrainer({ attempt: fromPosition({ ...attempt, step: 0 }), fromEvent, pastOnly: false }),
    numberOf: ({ number }) => number,
    signal: never,
  });
  expect((await events.next()).value).toMatchObject({ number: 0, event: { $case: 'evaluation' } });
  await first.close();
  const again = await serveTrainer();
  opened.push(again, { close: () => trainer.stop() });
  expect((await events.next()).value).toMatchObject({ number: 1, event: { $case: 'checkpoint' } });
  await events.return();
});

test('a watch of a server that stays unreachable fails, with its name', async () => {
  const socket = await freshSocket();
  opened.push({ close: socket.remove });
  const client = steer(socket.address);
  const events = watch({
    what: 'the student',
    open: (fromEvent) =>
      client.watchTrainer({ attempt: fromPosition({ ...attempt, step: 0 }), fromEvent, pastOnly: false }),
    numberOf: ({ number }) => number,
    patienceSeconds: 0.2,
    signal: never,
  });
  await expect(events.next()).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringMatching(/^the student has been unreachable for \d+ s/),
  });
});

test('a service that does not exist is an error of the client', async () => {
  const service = await serve(sourceOf(createFrameWindow({ attempt, firstStep: 0, size: 2, consumers: [] })));
  opened.push(service);
  const client = steer(service.address);
  await expect(unary(client.getTrainer.bind(client), {}, { what: 'the student' })).rejects.toMatchObject({
    kind: 'invalid',
    details: { code: 'UNIMPLEMENTED' },
  });
});
