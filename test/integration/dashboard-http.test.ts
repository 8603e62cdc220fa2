import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
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
  RunServiceService,
  WatchRunResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
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

type Answer = (error: object | null, answer?: unknown) => void;

/** A page of two files, and the methods of RunService that a test needs, behind a dashboard. */
async function dashboardOf(methods: object): Promise<Dashboard> {
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
  const dashboard = await serveDashboard({ listen: '127.0.0.1:0', hosts: [], page, service, log: silent });
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
  test('is answered with what the service says, as JSON', async () => {
    const { url } = await dashboardOf({
      getRun: ({ request: { runId } }: Call<GetRunRequest>, answer: Answer) =>
        answer(null, GetRunResponse.fromJSON({ run: { runId, phase: 'RUN_PHASE_PAUSED', generation: 2 } })),
    });
    const response = await fetch(`${url}/api/runs/tiny`);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({ run: { runId: 'tiny', phase: 'RUN_PHASE_PAUSED', generation: 2 } });
  });

  test('carries what stands in its path and in its body', async () => {
    const heard: PromoteGenerationRequest[] = [];
    const { url } = await dashboardOf({
      promoteGeneration: ({ request: asked }: Call<PromoteGenerationRequest>, answer: Answer) => {
        heard.push(asked);
        answer(null, {});
      },
    });
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ generation: 1, requestId: 'once' });
    expect((await fetch(`${url}/api/runs/tiny:promote`, { method: 'POST', headers, body })).status).toBe(200);
    expect(heard).toEqual([{ runId: 'tiny', generation: 1, requestId: 'once' }]);
  });

  test('that fails has the status, the kind and what is wrong with each field', async () => {
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
  ])('whose body is %s is not made', async (_, body, expected) => {
    const { url } = await dashboardOf({});
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${url}/api/runs`, { method: 'POST', headers, body })).status).toBe(expected);
  });
});

describe('a stream of events', () => {
  test('has the number of each as its id, and says when there are no more', async () => {
    const from: number[] = [];
    const { url } = await dashboardOf(asksFor(from));
    const response = await fetch(`${url}/api/runs/tiny/events`);
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

  test('goes on after the last event that was heard', async () => {
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

  test('that breaks off does not look like one that ended', async () => {
    const { url } = await dashboardOf({
      watchRun: (call: Call<object>) => {
        call.write(committed(1));
        call.emit('error', { code: status.UNAVAILABLE, details: 'shutting down' });
      },
    });
    const response = await fetch(`${url}/api/runs/tiny/events`);
    await expect(response.text()).rejects.toThrow();
  });

  test('is not told to anybody any more when its reader leaves', async () => {
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
  test('allows itself nothing from elsewhere and no script within', async () => {
    const { url } = await dashboardOf({});
    const response = await fetch(url);
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(await response.text()).toContain('<title>trikd</title>');
  });

  test('has files that may be kept for ever, and no others', async () => {
    const { url } = await dashboardOf({});
    const script = await fetch(`${url}/assets/page-1234.js`);
    expect(script.headers.get('cache-control')).toContain('immutable');
    for (const path of ['/assets/../../etc/passwd', '/%2e%2e/package.json', '/nothing.js']) {
      expect((await fetch(`${url}${path}`)).status).toBe(404);
    }
  });
});

describe('somebody else', () => {
  const headers = { 'content-type': 'application/json' };

  test('cannot steer from a page of another origin', async () => {
    const { url } = await dashboardOf({});
    const from = { ...headers, origin: 'http://evil.example' };
    expect((await fetch(`${url}/api/runs`, { method: 'POST', headers: from, body: '{}' })).status).toBe(403);
  });

  test('cannot read through a name that leads here', async () => {
    const { url } = await dashboardOf({});
    const asked = request(`${url}/api/runs`, { headers: { host: 'rebound.example' } }).end();
    const [response] = await once(asked, 'response');
    expect(response.statusCode).toBe(403);
    response.resume();
  });
});
