import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Client, Metadata, status } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import { createFrameWindow } from '@trikd/core/exchange/frame-window';
import { createLogger } from '@trikd/process/logging';
import { RunServiceClient, RunServiceService } from '@trikd/protocol/gen/node/trikd/v1/run';
import { restingRuns } from '@trikd/testing/servers/resting-runs';
import type { TokenVerifier } from '@trikd/transport/access/identify';
import { createClient } from '@trikd/transport/grpc/channel';
import { unary, watch } from '@trikd/transport/grpc/clients';
import { ServerLimits } from '@trikd/transport/limits/server-limits';
import { createService } from '@trikd/transport/nest/create-service';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { attempt, frameOf, listenTo, serve as serveFrames, sourceOf } from './exchange-rig.js';

async function serve(limits: Partial<ServerLimits>, tokens?: TokenVerifier) {
  const [lines, refused]: [string[], string[]] = [[], []];
  const service = await createService({
    module: restingRuns(),
    services: { 'trikd.v1.RunService': RunServiceService },
    listen: '127.0.0.1:0',
    limits: ServerLimits.parse(limits),
    log: createLogger({ level: 'warn' }, 'test', { write: (line) => void lines.push(line) }),
    onRefused: (limit) => refused.push(limit),
    drainSeconds: 0.1,
    ...(tokens && { tokens }),
  });
  onTestFinished(() => service.close());
  const port = Number(service.address.split(':')[1]);
  /** A client with a connection of its own. */
  const client = () => {
    const opened = createClient(RunServiceClient, service.address, { 'grpc.use_local_subchannel_pool': 1 });
    onTestFinished(() => opened.close());
    return opened;
  };
  const silent = (): Socket => {
    const socket = connect(port, '127.0.0.1')
      .on('error', () => undefined)
      .resume();
    onTestFinished(() => void socket.destroy());
    return socket;
  };
  return { lines, refused, client, silent };
}

const get = (client: RunServiceClient, deadlineSeconds = 5) =>
  unary(client.getRun.bind(client), { runId: 'trial' }, { what: 'it', deadlineSeconds });

/** A stream that stays open. */
async function follow(client: RunServiceClient) {
  const call = client.watchRun({ runId: 'trial', fromEvent: 0, pastOnly: false });
  call.on('error', () => undefined);
  await once(call, 'data');
  return call;
}

const isClosed = (client: Client) => client.getChannel().getConnectivityState(false) !== 2;

describe('calls of one caller', () => {
  test('are counted over all of its connections', async () => {
    const { client, refused } = await serve({ streamsPerCaller: 2 });
    const first = await follow(client());
    await follow(client());
    await expect(follow(client())).rejects.toMatchObject({
      code: 8,
      details: 'limits.streamsPerCaller allows 2 open streams to 127.0.0.1: close one',
    });
    expect(refused).toEqual(['limits.streamsPerCaller']);
    first.cancel();
    await vi.waitFor(() => follow(client()));
    expect(await get(client())).toMatchObject({ run: { runId: 'trial' } });
  });

  test('beyond the rate are refused by name, and our client repeats them when it may', async () => {
    const { client } = await serve({ callsPerSecond: 20, burst: 2 });
    const one = client();
    await Promise.all([get(one), get(one)]);
    await expect(get(one, 0.05)).rejects.toMatchObject({
      kind: 'exhausted',
      message: expect.stringMatching(
        /^it: limits\.callsPerSecond allows 20 calls of trikd\.v1\.RunService\/GetRun a second to 127\.0\.0\.1: retry in 0\.1 s$/,
      ),
    });
    expect(await Promise.all([get(one), get(one), get(one)])).toHaveLength(3);
  });

  test('that our client follows are resumed after a refusal for the rate', async () => {
    const { client } = await serve({ callsPerSecond: 20, burst: 1 });
    const one = client();
    await follow(one);
    const messages = watch({
      what: 'it',
      open: (fromEvent) => one.watchRun({ runId: 'trial', fromEvent, pastOnly: false }),
      numberOf: ({ number }) => number,
      signal: new AbortController().signal,
    });
    expect(await messages.next()).toMatchObject({ value: { number: 1 } });
    await messages.return();
  });
});

describe('connections', () => {
  test('that stay silent are closed, and those with a call are not', async () => {
    const { client, silent, lines, refused } = await serve({ firstCallSeconds: 0.2 });
    const used = client();
    await get(used);
    const sockets = Array.from({ length: 50 }, silent);
    await Promise.all(sockets.map((socket) => once(socket, 'close')));
    expect(isClosed(used)).toBe(false);
    expect(lines).toHaveLength(1);
    expect(refused).toEqual(Array.from({ length: 50 }, () => 'limits.firstCallSeconds'));
    expect(lines[0]).toContain('limits.firstCallSeconds allows 0.2 s until the first call');
  });

  test('beyond the limit of an address take the place of idle ones, never of one with a stream', async () => {
    const { client, silent, lines } = await serve({ connectionsPerAddress: 4 });
    const stream = await follow(client());
    const ended = vi.fn();
    stream.on('end', ended).on('close', ended);
    const sockets = Array.from({ length: 40 }, silent);
    await Promise.all(sockets.slice(0, 30).map((socket) => once(socket, 'close')));
    expect(await get(client())).toMatchObject({ run: { runId: 'trial' } });
    expect(ended).not.toHaveBeenCalled();
    expect(lines[0]).toContain('limits.connectionsPerAddress allows 4 connections from 127.0.0.1');
  });

  test('that show invalid credentials all the time are closed', async () => {
    const verify = () => Promise.reject(new TrikdError('unauthenticated', 'the token is invalid'));
    const { client, lines } = await serve({ refusalsPerConnection: 20 }, { verify });
    const one = client();
    const metadata = new Metadata();
    metadata.set('authorization', 'Bearer hostile');
    const tryOnce = () =>
      new Promise((resolve) => one.getRun({ runId: 'trial' }, metadata, (error) => resolve(error?.code)));
    for (let attempt = 0; attempt < 20; attempt += 1) expect(await tryOnce()).toBe(status.UNAUTHENTICATED);
    await Promise.all(Array.from({ length: 20 }, tryOnce));
    expect(lines.join()).toContain('limits.refusalsPerConnection allows 20 refused calls');
  });

  test('without a call for a while are closed, and opened again with the next call', async () => {
    const { client } = await serve({ idleSeconds: 0.1 });
    const one = client();
    await get(one);
    await vi.waitFor(() => expect(isClosed(one)).toBe(true));
    expect(await get(one)).toMatchObject({ run: { runId: 'trial' } });
  });
});

test('a request that is too large is refused before it is read', async () => {
  const { client } = await serve({ requestBytes: 2048 });
  const one = client();
  const large = unary(one.getRun.bind(one), { runId: 'x'.repeat(4096) }, { what: 'it' });
  await expect(large).rejects.toMatchObject({ kind: 'invalid', message: expect.stringContaining('2048') });
});

test('a consumer whose stream is refused for its rate is served when it may, and loses no frame', async () => {
  const window = createFrameWindow({ attempt, firstStep: 0, size: 64, consumers: ['student'] });
  for (let step = 0; step < 3; step++) await window.publish(frameOf('teacher', step));
  const limits = ServerLimits.parse({ burst: 1, callsPerSecond: 20 });
  const service = await serveFrames(sourceOf(window), { limits });
  onTestFinished(() => service.close());
  const first = listenTo(service.address);
  expect((await first.next()).value).toEqual(frameOf('teacher', 0));
  await first.return(undefined);
  const second = listenTo(service.address);
  expect((await second.next()).value).toEqual(frameOf('teacher', 0));
  await second.return(undefined);
});
