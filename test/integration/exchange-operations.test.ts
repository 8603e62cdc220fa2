import { once } from 'node:events';
import { Client, credentials } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import { createFrameWindow } from '@trikd/core/exchange/frame-window';
import type { ExchangeSource } from '@trikd/model-host/exchange-source';
import { createLogger } from '@trikd/process/logging';
import { fromSubscription } from '@trikd/protocol/convert';
import { ExchangeServiceClient } from '@trikd/protocol/gen/node/trikd/v1/exchange';
import { EXCHANGE_SERVICES, exchangeModule } from '@trikd/testing/servers/exchange.module';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import type { EndedCall } from '@trikd/transport/grpc/server-interceptors';
import { createService, type Service } from '@trikd/transport/nest/create-service';
import { type ListeningMessage, runService } from '@trikd/transport/nest/run-service';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { agreement, attempt, frameOf, listenTo, log, serve, sourceOf } from './exchange-rig.js';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

const raw = (bytes: Buffer) => bytes;
const text = (field: number, value: string) =>
  Buffer.concat([Buffer.of((field << 3) | 2, value.length), Buffer.from(value)]);
const SERVING = Buffer.of(8, 1);
const NOT_SERVING = Buffer.of(8, 2);

async function open(source: ExchangeSource = sourceOf(windowOf())): Promise<{ service: Service; client: Client }> {
  const service = await serve(source);
  const client = new Client(service.address, credentials.createInsecure());
  opened.push(client, service);
  return { service, client };
}

const windowOf = () => createFrameWindow({ attempt, firstStep: 0, size: 64, consumers: [] });

function health(client: Client, name: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, answer?: Buffer) => (answer ? resolve(answer) : reject(error));
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', raw, raw, text(1, name), done);
  });
}

async function reflect(client: Client, version: string, question: Buffer): Promise<Buffer> {
  const call = client.makeBidiStreamRequest(
    `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
    raw,
    raw,
  );
  call.write(question);
  const [answer]: Buffer[] = await once(call, 'data');
  call.end();
  return answer!;
}

describe('a service', () => {
  test('answers for its health, as a whole and by name', async () => {
    const { client } = await open();
    expect(await health(client, '')).toEqual(SERVING);
    expect(await health(client, 'trikd.v1.ExchangeService')).toEqual(SERVING);
    await expect(health(client, 'trikd.v1.Nobody')).rejects.toMatchObject({ code: 5 });
  });

  test.each(['v1', 'v1alpha'])('describes its protocol by reflection %s', async (version) => {
    const { client } = await open();
    const listed = await reflect(client, version, text(7, ''));
    expect(listed.includes('trikd.v1.ExchangeService')).toBe(true);
    expect(listed.includes('trikd.v1.TrainerService')).toBe(false);
    const file = await reflect(client, version, text(4, 'trikd.v1.ExchangeService.StreamLogits'));
    expect(file.includes('StreamLogitsRequest')).toBe(true);
  });

  test('does not send the message of an unexpected error, and logs it once', async () => {
    const lines: string[] = [];
    const source: ExchangeSource = {
      frames() {
        throw new Error('a secret path');
      },
    };
    const service = await createService({
      module: exchangeModule(source, new AbortController().signal),
      services: EXCHANGE_SERVICES,
      listen: '127.0.0.1:0',
      log: createLogger({ level: 'warn' }, 'test', { write: (line) => void lines.push(line) }),
    });
    opened.push(service);
    await expect(listenTo(service.address).next()).rejects.toThrow(
      `the teacher at ${service.address}: internal error (INTERNAL)`,
    );
    expect(lines.filter((line) => line.includes('a secret path'))).toHaveLength(1);
  });
});

/** A service, and the calls that it has reported. */
async function openObserved(source: ExchangeSource) {
  const calls: EndedCall[] = [];
  const lines: string[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const service = await createService({
    module: exchangeModule(source, new AbortController().signal),
    services: EXCHANGE_SERVICES,
    listen: '127.0.0.1:0',
    log: createLogger({ level: 'debug' }, 'test', { write: (line) => void lines.push(line) }),
    onCall: (call) => {
      calls.push(call);
      resolve();
    },
    drainSeconds: 0.2,
  });
  const client = new Client(service.address, credentials.createInsecure());
  opened.push(client, service);
  const stream = (deadline?: number) => {
    const from = { ...attempt, step: 0 };
    const request = fromSubscription({ consumer: 'student', producer: 'teacher', from, agreement, secret: SECRET });
    const { path, requestSerialize } = EXCHANGE_SERVICES['trikd.v1.ExchangeService'].streamLogits;
    const call = client.makeServerStreamRequest(path, requestSerialize, raw, request, deadline ? { deadline } : {});
    call.on('error', () => undefined);
    return call;
  };
  return { calls, lines, ended, client, stream };
}

describe('a server', () => {
  const STREAM = 'trikd.v1.ExchangeService/StreamLogits';

  test('reports and logs each call when it ends, health and reflection included', async () => {
    const { calls, lines, client } = await openObserved(sourceOf(windowOf()));
    await health(client, '');
    await expect(health(client, 'trikd.v1.Nobody')).rejects.toMatchObject({ code: 5 });
    await reflect(client, 'v1', text(7, ''));
    await vi.waitFor(() => expect(calls).toHaveLength(3));
    expect(calls.map(({ method, code }) => [method, code])).toEqual([
      ['grpc.health.v1.Health/Check', 'OK'],
      ['grpc.health.v1.Health/Check', 'NOT_FOUND'],
      ['grpc.reflection.v1.ServerReflection/ServerReflectionInfo', 'OK'],
    ]);
    const logged = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'call ended');
    expect(logged).toMatchObject(calls);
    expect(logged[0]).toMatchObject({ level: 20, peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/) });
  });

  test('reports a stream once, with the status that its source has thrown', async () => {
    const { calls, ended, stream } = await openObserved({
      frames() {
        throw new TrikdError('out-of-step', 'serving attempt 2');
      },
    });
    stream();
    await ended;
    expect(calls).toMatchObject([{ method: STREAM, code: 'ABORTED' }]);
  });

  test('reports a stream that its client has cancelled, and one whose deadline has passed, as such', async () => {
    const { promise: reached, resolve } = Promise.withResolvers<void>();
    const frames = sourceOf(windowOf()).frames;
    const cancelled = await openObserved({
      frames(...asked) {
        resolve();
        return frames(...asked);
      },
    });
    const call = cancelled.stream();
    await reached;
    call.cancel();
    await cancelled.ended;
    expect(cancelled.calls).toMatchObject([{ method: STREAM, code: 'CANCELLED' }]);
    const late = await openObserved(sourceOf(windowOf()));
    await new Promise((ready) => late.client.waitForReady(Number.POSITIVE_INFINITY, ready));
    late.stream(Date.now() + 1000);
    await late.ended;
    expect(late.calls).toMatchObject([{ method: STREAM, code: 'DEADLINE_EXCEEDED' }]);
  });
});

describe('a shutdown', () => {
  test('reports NOT_SERVING first', async () => {
    const { service, client } = await open();
    const watch = client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', raw, raw, text(1, ''));
    watch.on('error', () => undefined);
    expect((await once(watch, 'data'))[0]).toEqual(SERVING);
    const next = once(watch, 'data');
    const closed = service.close();
    expect((await next)[0]).toEqual(NOT_SERVING);
    await closed;
  });

  test('does not wait for a client that reads nothing', async () => {
    const window = createFrameWindow({ attempt, firstStep: 0, size: 64, consumers: ['student'] });
    const wide = { ...agreement, batchSize: 1024, classes: 100 };
    const service = await serve(sourceOf(window, wide));
    const client = new ExchangeServiceClient(service.address, credentials.createInsecure());
    opened.push(client);
    const producing = (async () => {
      for (let step = 0; ; step++) await window.publish(frameOf('teacher', step, wide));
    })();
    const ended = expect(producing).rejects.toMatchObject({ kind: 'wrong-state' });
    const call = client.streamLogits(
      fromSubscription({
        ...{ consumer: 'student', producer: 'teacher', from: { ...attempt, step: 0 }, agreement: wide, secret: SECRET },
      }),
    );
    call.on('error', () => undefined);
    await once(call, 'readable');
    const from = performance.now();
    await service.close();
    // 0.2 s are given by the rig; the rest is slack for a busy machine.
    expect(performance.now() - from).toBeLessThan(5000);
    window.close();
    await ended;
  });

  test('ends a service that reported its address to its parent, after its work was abandoned', async () => {
    const shutdown = new AbortController();
    const source = sourceOf(windowOf());
    let stopped = false;
    const reported: ListeningMessage[] = [];
    const parent = {
      connected: true,
      send(message: ListeningMessage) {
        shutdown.abort();
        return reported.push(message) > 0;
      },
      disconnect() {
        parent.connected = false;
      },
    };
    const running = runService({
      module: exchangeModule(source, shutdown.signal),
      services: EXCHANGE_SERVICES,
      listen: '127.0.0.1:0',
      log,
      shutdown: shutdown.signal,
      stop: async () => {
        stopped = true;
      },
      parent,
    });
    await running;
    expect(reported).toEqual([{ type: 'listening', address: expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/) }]);
    expect({ stopped, connected: parent.connected }).toEqual({ stopped: true, connected: false });
  });

  test('rejects new streams with a code that makes clients reconnect', async () => {
    const shutdown = new AbortController();
    shutdown.abort();
    const service = await serve(sourceOf(windowOf()), { shutdown: shutdown.signal });
    opened.push(service);
    const refused = listenTo(service.address, { stepTimeoutSeconds: 0.3 }).next();
    await expect(refused).rejects.toMatchObject({
      kind: 'unavailable',
      message: `the student has waited 0.3 s for step 0 of the teacher at ${service.address}`,
      details: { trouble: 'shutting down' },
    });
  });
});
