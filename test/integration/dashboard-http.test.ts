import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Metadata, Server, ServerCredentials, status, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { createLogger } from '@trikd/process/logging';
import { BadRequest } from '@trikd/protocol/gen/node/google/rpc/error_details';
import { Status } from '@trikd/protocol/gen/node/google/rpc/status';
import {
  type GetRunRequest,
  GetRunResponse,
  type PromoteGenerationRequest,
  type ReadBlobRequest,
  ReadBlobResponse,
  RunServiceService,
  type WatchRunRequest,
  WatchRunResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import type { TokenVerifier } from '@trikd/transport/access/identify';
import { HttpLimits } from '@trikd/transport/http/http-limits';
import { type Dashboard, serveDashboard } from '@trikd/transport/http/serve-dashboard';
import { describe, expect, onTestFinished, test } from 'vitest';

const silent = createLogger({ level: 'error' }, 'test', { write: () => undefined });

interface Call<Request> {
  readonly request: Request;
  write(message: WatchRunResponse): boolean;
  end(): void;
  emit(event: 'error', error: object): void;
  on(event: string, listener: () => void): unknown;
}

interface ReadBlobCall {
  readonly request: ReadBlobRequest;
  write(message: ReadBlobResponse): boolean;
  end(): void;
  emit(event: 'error', error: object): void;
}

type Answer = (error: object | null, answer?: unknown) => void;

/** Takes every token for the name of a person. */
const namesAsTokens: TokenVerifier = {
  verify: async (subject) => ({ kind: 'user', subject, teams: [], verbs: ['view'] }),
};

/** A page of two files, and the methods of RunService that a test needs, behind a dashboard. */
async function dashboardOf(
  methods: object,
  limits: Partial<HttpLimits> = {},
  tokens?: TokenVerifier,
): Promise<Dashboard> {
  const page = mkdtempSync(join(tmpdir(), 'trikd-page-'));
  mkdirSync(join(page, 'assets'));
  writeFileSync(join(page, 'index.html'), '<!doctype html><title>trikd</title>');
  writeFileSync(join(page, 'assets', 'page-1234.js'), 'export {};');
  const missing = Object.keys(RunServiceService).map((name) => [
    name,
    (_call: unknown, answer: Answer) => answer({ code: status.UNIMPLEMENTED, details: 'not here' }),
  ]);
  const implementation: UntypedServiceImplementation = { ...Object.fromEntries(missing), ...methods };
  const server = new Server();
  server.addService(RunServiceService, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const service = `127.0.0.1:${port}`;
  const dashboard = await serveDashboard({
    ...{ listen: '127.0.0.1:0', hosts: [], page, service, log: silent },
    limits: HttpLimits.parse(limits),
    ...(tokens && { tokens }),
  });
  onTestFinished(async () => {
    server.forceShutdown();
    await dashboard.close();
    rmSync(page, { recursive: true });
  });
  return dashboard;
}

const committed = (number: number) => WatchRunResponse.fromJSON({ number, committed: { step: number } });

function asksFor(from: number[]) {
  return {
    watchRun: (call: Call<{ readonly fromEvent: number }>) => {
      from.push(call.request.fromEvent);
      call.write(WatchRunResponse.fromJSON({ run: { runId: 'tiny' } }));
      call.write(committed(call.request.fromEvent + 2));
      call.end();
    },
  };
}

describe('a call', () => {
  test('is answered with the response of the service, as JSON', async () => {
    const { url } = await dashboardOf({
      getRun: ({ request: { runId } }: Call<GetRunRequest>, answer: Answer) =>
        answer(null, GetRunResponse.fromJSON({ run: { runId, phase: 'RUN_PHASE_PAUSED', stage: 2 } })),
    });
    const response = await fetch(`${url}/api/runs/tiny`);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({ run: { runId: 'tiny', phase: 'RUN_PHASE_PAUSED', stage: 2 } });
  });

  test('carries the fields of its path and of its body', async () => {
    const heard: PromoteGenerationRequest[] = [];
    const { url } = await dashboardOf({
      promoteGeneration: ({ request: asked }: Call<PromoteGenerationRequest>, answer: Answer) => {
        heard.push(asked);
        answer(null, {});
      },
    });
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ stage: 1, requestId: 'once' });
    expect((await fetch(`${url}/api/runs/tiny:promote`, { method: 'POST', headers, body })).status).toBe(200);
    expect(heard).toEqual([{ runId: 'tiny', stage: 1, requestId: 'once' }]);
  });

  test('that fails has the status, the kind and the invalid fields', async () => {
    const violation = { field: 'spec.epochs', description: 'expected a number', reason: '' };
    const details = [
      {
        typeUrl: 'type.googleapis.com/google.rpc.BadRequest',
        value: Buffer.from(BadRequest.encode(BadRequest.fromJSON({ fieldViolations: [violation] })).finish()),
      },
    ];
    const metadata = new Metadata();
    metadata.set('trikd-error-kind', 'invalid');
    metadata.set('grpc-status-details-bin', Buffer.from(Status.encode({ code: 3, message: '', details }).finish()));
    const { url } = await dashboardOf({
      createRun: (_call: unknown, answer: Answer) =>
        answer({ code: status.INVALID_ARGUMENT, details: 'the spec is invalid', metadata }),
    });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/api/runs`, { method: 'POST', headers, body: '{"spec":"{}"}' });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: {
        code: 'INVALID_ARGUMENT',
        kind: 'invalid',
        message: 'the spec is invalid',
        fields: [{ field: 'spec.epochs', description: 'expected a number' }],
      },
    });
  });

  test.each([
    ['no JSON', '{"spec":', 400],
    ['longer than any request', `"${'x'.repeat(2 ** 20)}"`, 413],
  ])('whose body is %s is not sent', async (_, body, expected) => {
    const { url } = await dashboardOf({});
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${url}/api/runs`, { method: 'POST', headers, body })).status).toBe(expected);
  });
});

describe('a blob', () => {
  const key = `runs/tiny/blobs/0.1/${'a'.repeat(64)}.safetensors`;
  const content = Buffer.from('0123456789');

  /** A service with one blob, which breaks after so many bytes. */
  const withBlob = (most = content.length) => ({
    readBlob: (call: ReadBlobCall) => {
      const { key: wanted, offset, length } = call.request;
      if (wanted !== key) return call.emit('error', { code: status.NOT_FOUND, details: `there is no blob ${wanted}` });
      call.write(ReadBlobResponse.fromPartial({ size: content.length }));
      const end = length === 0 ? content.length : offset + length;
      for (const byte of content.subarray(offset, Math.min(end, most)))
        call.write(ReadBlobResponse.fromPartial({ data: Buffer.of(byte) }));
      if (most < content.length) return call.emit('error', { code: status.DATA_LOSS, details: 'it is gone' });
      call.end();
    },
  });
  const get = async (url: string, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${url}/api/${key}`, { headers });

  test('is a file, whole or in part', async () => {
    const { url } = await dashboardOf(withBlob());
    const whole = await get(url);
    expect([whole.status, whole.headers.get('content-length'), await whole.text()]).toEqual([200, '10', '0123456789']);
    expect(whole.headers.get('content-disposition')).toBe('attachment');
    const tag = whole.headers.get('etag') ?? '';
    expect(tag).toBe(`"${'a'.repeat(64)}"`);
    const part = await get(url, { range: 'bytes=3-5', 'if-range': tag });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 3-5/10', '345']);
    const rest = await get(url, { range: 'bytes=8-' });
    expect([rest.headers.get('content-range'), await rest.text()]).toEqual(['bytes 8-9/10', '89']);
    const beyond = await get(url, { range: 'bytes=10-' });
    expect([beyond.status, beyond.headers.get('content-range'), await beyond.text()]).toEqual([416, 'bytes */10', '']);
    expect((await get(url, { range: 'bytes=3-5', 'if-range': '"other"' })).status).toBe(200);
  });

  test('that does not exist is not found, and one that breaks off is no complete file', async () => {
    const { url } = await dashboardOf(withBlob(4));
    expect((await fetch(`${url}/api/runs/tiny/blobs/0.2/x`)).status).toBe(404);
    await expect(get(url).then((response) => response.text())).rejects.toThrow();
  });

  test('counts as a stream', async () => {
    const { url } = await dashboardOf(
      { readBlob: (call: ReadBlobCall) => void call.write(ReadBlobResponse.fromPartial({ size: 1 })) },
      { streamsPerCaller: 1 },
    );
    const gone = new AbortController();
    onTestFinished(() => gone.abort());
    expect((await fetch(`${url}/api/${key}`, { signal: gone.signal })).status).toBe(200);
    const second = await get(url);
    expect([second.status, await second.text()]).toEqual([
      429,
      expect.stringContaining('http.limits.streamsPerCaller'),
    ]);
  });
});

describe('a stream of events', () => {
  test('has the number of each as its id, and an event for the end', async () => {
    const from: number[] = [];
    const { url } = await dashboardOf(asksFor(from));
    const response = await fetch(`${url}/api/runs/tiny/events?from=1`);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(await response.text()).toBe(
      [
        'retry: 1000',
        'data: {"run":{"runId":"tiny"}}',
        'id: 3\ndata: {"committed":{"step":3},"number":3}',
        'event: end\ndata: {}',
        '',
      ].join('\n\n'),
    );
    expect(from).toEqual([1]);
  });

  test('starts with the newest events only, unless the request names its first event', async () => {
    const asked: WatchRunRequest[] = [];
    const { url } = await dashboardOf(
      {
        watchRun: (call: Call<WatchRunRequest>) => {
          asked.push(call.request);
          call.end();
        },
      },
      { history: 7 },
    );
    await fetch(`${url}/api/runs/tiny/events`);
    await fetch(`${url}/api/runs/tiny/events?from=5`);
    expect(asked.map(({ fromEvent, newestEvents }) => [fromEvent, newestEvents])).toEqual([
      [0, 7],
      [5, undefined],
    ]);
  });

  test('goes on after the last event that arrived', async () => {
    const from: number[] = [];
    const { url } = await dashboardOf(asksFor(from));
    const response = await fetch(`${url}/api/runs/tiny/events`, { headers: { 'last-event-id': '7' } });
    expect(await response.text()).toContain('id: 10\n');
    expect(from).toEqual([8]);
  });

  test('of a run that does not exist is not found', async () => {
    const { url } = await dashboardOf({
      watchRun: (call: Call<object>) => call.emit('error', { code: status.NOT_FOUND, details: 'there is no run tiny' }),
    });
    const response = await fetch(`${url}/api/runs/tiny/events`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { message: 'there is no run tiny' } });
  });

  test('that breaks off has no event for the end', async () => {
    const { url } = await dashboardOf({
      watchRun: (call: Call<object>) => {
        call.write(committed(1));
        call.emit('error', { code: status.UNAVAILABLE, details: 'shutting down' });
      },
    });
    const response = await fetch(`${url}/api/runs/tiny/events`);
    await expect(response.text()).rejects.toThrow();
  });

  test('ends in the service when its reader leaves', async () => {
    const left = Promise.withResolvers<void>();
    const { url } = await dashboardOf({
      watchRun: (call: Call<object>) => {
        call.on('cancelled', left.resolve);
        call.write(committed(1));
      },
    });
    const reader = new AbortController();
    await fetch(`${url}/api/runs/tiny/events`, { signal: reader.signal });
    reader.abort();
    await left.promise;
  });
});

describe('the page', () => {
  test('allows no foreign resource and no inline script', async () => {
    const { url } = await dashboardOf({});
    const response = await fetch(url);
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(await response.text()).toContain('<title>trikd</title>');
  });

  test('has files that may be cached forever, and no others', async () => {
    const { url } = await dashboardOf({});
    const script = await fetch(`${url}/assets/page-1234.js`);
    expect(script.headers.get('cache-control')).toContain('immutable');
    expect([script.headers.get('content-encoding'), await script.text()]).toEqual(['gzip', 'export {};']);
    for (const path of ['/assets/../../etc/passwd', '/%2e%2e/package.json', '/nothing.js']) {
      expect((await fetch(`${url}${path}`)).status).toBe(404);
    }
  });
});

describe('a foreign page', () => {
  const headers = { 'content-type': 'application/json' };

  test('of another origin cannot steer', async () => {
    const { url } = await dashboardOf({});
    const from = { ...headers, origin: 'http://evil.example' };
    expect((await fetch(`${url}/api/runs`, { method: 'POST', headers: from, body: '{}' })).status).toBe(403);
  });

  test('cannot read through a name that resolves to this server', async () => {
    const { url } = await dashboardOf({});
    const asked = request(`${url}/api/runs`, { headers: { host: 'rebound.example' } }).end();
    const [response] = await once(asked, 'response');
    expect(response.statusCode).toBe(403);
    response.resume();
  });
});

describe('limits', () => {
  /** A stream that stays open. */
  const open = {
    watchRun: (call: Call<object>) => {
      call.write(committed(1));
    },
  };
  const events = async (url: string, headers: Record<string, string> = {}) => {
    const left = new AbortController();
    onTestFinished(() => left.abort());
    return fetch(`${url}/api/runs/tiny/events`, { headers, signal: left.signal });
  };

  test('refuse event streams of one caller by name, and leave others their own', async () => {
    const { url } = await dashboardOf(open, { streamsPerCaller: 2 }, namesAsTokens);
    const [ada, bob] = [{ authorization: 'Bearer ada' }, { authorization: 'Bearer bob' }];
    const opened = await Promise.all([events(url, ada), events(url, ada), events(url, ada)]);
    expect(opened.map(({ status }) => status).toSorted()).toEqual([200, 200, 429]);
    expect(await (await events(url, ada)).json()).toMatchObject({
      error: {
        code: 'RESOURCE_EXHAUSTED',
        message: 'http.limits.streamsPerCaller allows 2 open streams to ada: close one',
      },
    });
    expect((await events(url, bob)).status).toBe(200);
  });

  test('refuse event streams over all callers by name, and calls are answered beside them', async () => {
    const getRun = (_call: unknown, answer: Answer) => answer(null, GetRunResponse.create());
    const { url } = await dashboardOf({ ...open, getRun }, { streams: 1 });
    expect((await events(url)).status).toBe(200);
    const refused = await events(url);
    expect(refused.status).toBe(429);
    expect(await refused.text()).toContain('http.limits.streams allows 1 open event streams');
    expect((await fetch(`${url}/api/runs/tiny`)).status).toBe(200);
  });

  test('refuse requests beyond the rate by name, and say when to retry', async () => {
    const getRun = (_call: unknown, answer: Answer) => answer(null, GetRunResponse.create());
    const { url } = await dashboardOf({ getRun }, { burst: 1, callsPerSecond: 0.1 });
    expect((await fetch(`${url}/api/runs/tiny`)).status).toBe(200);
    const refused = await fetch(`${url}/api/runs/tiny`);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('10');
    expect(await refused.text()).toContain('http.limits.callsPerSecond allows 0.1 calls of getRun a second');
  });

  test('close connections that stay silent, and those that never end their header', async () => {
    const { url } = await dashboardOf({}, { firstCallSeconds: 0.2 });
    const { port, hostname } = new URL(url);
    const closed = (first: string) => {
      const socket = connect(Number(port), hostname).on('error', () => undefined);
      socket.write(first);
      return once(socket.resume(), 'close');
    };
    await Promise.all([closed(''), closed('GET / HTTP/1.1\r\nhost: localhost\r\nx: ')]);
  });
});

describe('a malformed request is answered with 400:', () => {
  const json = { 'content-type': 'application/json' };

  test.each([
    ['GET', '/api/runs?pageSize=many'],
    ['GET', '/api/runs?pageSize=99999999999'],
    ['GET', '/api/runs/tiny/events?from=-1'],
    ['GET', '/api/runs/tiny/events?from=99999999999999999999'],
    ['POST', '/api/runs/tiny:promote', '{"stage":-1}'],
    ['POST', '/api/runs/tiny:promote', '{"stage":1e99}'],
    ['POST', '/api/runs/tiny:promote', '{"stage":"three"}'],
    ['POST', '/api/runs', '{"placement":{"priority":"high"}}'],
    ['POST', '/api/runs', '{'],
    ['GET', '*'],
    ['GET', 'http://['],
  ])('%s %s %s', async (method: string, path: string, body?: string) => {
    const { url } = await dashboardOf({});
    const { port, hostname } = new URL(url);
    const asked = request({ method, path, port, hostname, headers: body === undefined ? {} : json }).end(body);
    const [response] = await once(asked, 'response');
    response.resume();
    expect(response.statusCode).toBe(400);
  });
});
