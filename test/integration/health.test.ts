import { once } from 'node:events';
import { Client, type ClientReadableStream, credentials, status } from '@grpc/grpc-js';
import { createFrameWindow } from '@trikd/core/exchange/frame-window';
import { createLogger } from '@trikd/process/logging';
import { EXCHANGE_SERVICES, exchangeModule } from '@trikd/testing/servers/exchange.module';
import type { Service } from '@trikd/transport/nest/create-service';
import { runService } from '@trikd/transport/nest/run-service';
import { service as definition } from 'grpc-health-check';
import { expect, onTestFinished, test } from 'vitest';
import { attempt, serve, sourceOf } from './exchange-rig.js';

const PROBES = ['startup', 'readiness', 'liveness'];
const source = () => sourceOf(createFrameWindow({ attempt, firstStep: 0, size: 64, consumers: [] }));

function healthOf(address: string) {
  const client = new Client(address, credentials.createInsecure());
  onTestFinished(() => client.close());
  const { Check: check, Watch: watch } = definition;
  const ask = (service: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const done = (error: Error | null, answer?: { status?: unknown }) =>
        error ? reject(error) : resolve(answer?.status);
      client.makeUnaryRequest(check!.path, check!.requestSerialize, check!.responseDeserialize, { service }, done);
    });
  const follow = (service: string): ClientReadableStream<object> => {
    const call = client.makeServerStreamRequest(watch!.path, watch!.requestSerialize, watch!.responseDeserialize, {
      service,
    });
    call.on('error', () => undefined);
    return call;
  };
  return { ask, follow, all: async (names: readonly string[]) => Promise.all(names.map(ask)) };
}

const next = async (call: ClientReadableStream<object>) => (await once(call, 'data'))[0].status;

async function served(): Promise<Service> {
  const service = await serve(source(), { health: { listen: '127.0.0.1:0' } });
  onTestFinished(() => service.close());
  return service;
}

test('a service that listens has started, is ready and is alive, to both of its servers', async () => {
  const service = await served();
  for (const address of [service.address, service.healthAddress!]) {
    expect(await healthOf(address).all(PROBES)).toEqual(['SERVING', 'SERVING', 'SERVING']);
  }
});

test('a name that is no probe and no service is not known', async () => {
  const service = await served();
  const { ask, follow } = healthOf(service.healthAddress!);
  await expect(ask('ready')).rejects.toMatchObject({ code: status.NOT_FOUND });
  expect(await next(follow('ready'))).toBe('SERVICE_UNKNOWN');
});

test('a watch of the readiness is told when the service is about to exit', async () => {
  const service = await served();
  const readiness = healthOf(service.healthAddress!).follow('readiness');
  expect(await next(readiness)).toBe('SERVING');
  const changed = next(readiness);
  service.retire();
  expect(await changed).toBe('NOT_SERVING');
});

test('a process that hands over is not ready, and answers and is alive until it has done so', async () => {
  const shutdown = new AbortController();
  const { promise: handingOver, resolve: begun } = Promise.withResolvers<void>();
  const { promise: handedOver, resolve: hand } = Promise.withResolvers<void>();
  const { promise: healthAddress, resolve: listens } = Promise.withResolvers<string>();
  const written = (line: string) => {
    const { msg, healthAddress } = JSON.parse(line);
    if (msg === 'listening') listens(healthAddress);
  };
  const running = runService({
    module: exchangeModule(source(), new AbortController().signal),
    services: EXCHANGE_SERVICES,
    listen: '127.0.0.1:0',
    health: { listen: '127.0.0.1:0' },
    log: createLogger({ level: 'info' }, 'test', { write: written }),
    shutdown: shutdown.signal,
    leave: async () => {
      begun();
      await handedOver;
    },
    parent: { connected: false },
    drainSeconds: 0,
  });
  const { all } = healthOf(await healthAddress);
  shutdown.abort();
  await handingOver;
  const found = await all([...PROBES, '', 'trikd.v1.ExchangeService']);
  hand();
  await running;
  expect(found).toEqual(['SERVING', 'NOT_SERVING', 'SERVING', 'SERVING', 'SERVING']);
});
