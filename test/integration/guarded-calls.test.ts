import {
  credentials,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { createLogger } from '@trikd/process/logging';
import {
  type GetRunRequest,
  GetRunResponse,
  RunServiceClient,
  RunServiceService,
  type WatchRunRequest,
  type WatchRunResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { type Caller, callerOf } from '@trikd/transport/access/caller';
import type { Identify } from '@trikd/transport/access/identify';
import { serverInterceptors } from '@trikd/transport/grpc/server-interceptors';
import { afterEach, describe, expect, test } from 'vitest';

const viewer: Caller = { kind: 'user', subject: 'ada', teams: [], verbs: ['view'] };
const opened: { close(): unknown }[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

/** A server that reports which calls reached their handlers, and for whom. */
async function serve(identify: Identify) {
  const reached: [string, Caller][] = [];
  const lines: string[] = [];
  const log = createLogger({ level: 'info' }, 'test', { write: (line: string) => lines.push(line) });
  const server = new Server({ interceptors: serverInterceptors({ log, identify }) });
  const getRun: handleUnaryCall<GetRunRequest, GetRunResponse> = (call, callback) => {
    reached.push(['getRun', callerOf(call.metadata)]);
    callback(null, GetRunResponse.fromPartial({}));
  };
  const watchRun: handleServerStreamingCall<WatchRunRequest, WatchRunResponse> = (call) => {
    reached.push(['watchRun', callerOf(call.metadata)]);
    call.end();
  };
  const definition = { getRun: RunServiceService.getRun, watchRun: RunServiceService.watchRun };
  server.addService(definition, { getRun, watchRun });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const client = new RunServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
  opened.push(client, { close: () => server.forceShutdown() });
  return { client, reached, lines };
}

type Client = RunServiceClient;
const getRun = (client: Client): Promise<unknown> =>
  new Promise((resolve, reject) =>
    client.getRun({ runId: 'r' }, new Metadata(), (error, answer) => (error ? reject(error) : resolve(answer))),
  );
async function watchRun(client: Client): Promise<void> {
  for await (const _ of client.watchRun({ runId: 'r', fromEvent: 0, pastOnly: false }));
}

describe.each([
  ['unary', getRun, 'getRun', 'GetRun'],
  ['streaming', watchRun, 'watchRun', 'WatchRun'],
])('a %s call', (_, call, handler, method) => {
  test('reaches its handler with the caller that was determined', async () => {
    for (const identify of [() => viewer, async () => viewer]) {
      const { client, reached } = await serve(identify);
      await call(client);
      expect(reached).toEqual([[handler, viewer]]);
    }
  });

  test('without credentials ends before its handler, with the name of what is required', async () => {
    for (const identify of [() => undefined, async () => undefined]) {
      const { client, reached } = await serve(identify);
      await expect(call(client)).rejects.toMatchObject({
        code: status.UNAUTHENTICATED,
        details: expect.stringContaining(`trikd.v1.RunService/${method} requires a person with the verb view`),
      } satisfies Partial<ServiceError>);
      expect(reached).toEqual([]);
    }
  });

  test('of a wrong role ends before its handler', async () => {
    const { client, reached } = await serve(() => ({ kind: 'service', role: 'anchor-server', id: 'spiffe://x' }));
    await expect(call(client)).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    expect(reached).toEqual([]);
  });

  test('is refused, and the reason logged but not sent, when the caller cannot be determined', async () => {
    const { client, reached, lines } = await serve(() => {
      throw new Error('a secret path');
    });
    await expect(call(client)).rejects.toMatchObject({ code: status.INTERNAL, details: 'internal error' });
    expect(reached).toEqual([]);
    expect(lines.join('')).toContain('a secret path');
  });
});
