import { once } from 'node:events';
import { Metadata } from '@grpc/grpc-js';
import { traceparentOf } from '@trikd/core/timing/trace-ids';
import type { ModelInferRequest, ModelStreamInferResponse } from '@trikd/protocol/gen/node/inference/inference';
import type { ComputedBatch, RequestTrace } from '@trikd/telemetry/request-trace';
import { storeEndedStages } from '@trikd/testing/runs/served-run';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import type { TokenVerifier } from '@trikd/transport/access/identify';
import { unary } from '@trikd/transport/grpc/clients';
import { describe, expect, test } from 'vitest';
import {
  CLASSES,
  dashboardOf,
  infer,
  inferRequest,
  logitsIn,
  rowsOf,
  servedRun,
  serveModels,
  spec,
} from './serving-rig.js';

const what = 'the server';

test('answers have the bits of an evaluation, whatever they travelled with', async () => {
  const served = await servedRun(1);
  const sizes = [1, 3, 8, 2, 13, 1, 5, 1, 1, 20];
  const answers = await Promise.all(sizes.map((rows, first) => infer(served, inferRequest(first, rows))));
  for (const [first, answer] of answers.entries()) {
    const rows = sizes[first]!;
    expect(answer.outputs).toMatchObject([{ name: 'logits', datatype: 'FP32', shape: [rows, CLASSES] }]);
    served.expectEvaluated(logitsIn(answer), 'student', 0, first, rows);
  }
  const floats = Float32Array.from(rowsOf(4, 2));
  const request = inferRequest(4, 2, { datatype: 'FP32', rawInputContents: [Buffer.from(floats.buffer)] });
  served.expectEvaluated(logitsIn(await infer(served, request)), 'student', 0, 4, 2);
});

test('models are the learners of a run, and versions its stages', async () => {
  const served = await servedRun(3);
  await served.run.promote(1);
  await expect.poll(async () => (await infer(served, inferRequest(0, 1))).modelVersion).toBe('1');
  for (const [modelName, learner] of [
    ['tiny', 'student'],
    ['tiny.teacher', 'teacher'],
  ] as const) {
    for (const [modelVersion, stage] of [
      ['', 1],
      ['latest', 1],
      ['0', 0],
      ['2', 2],
    ] as const) {
      const answer = await infer(served, inferRequest(5, 2, { modelName, modelVersion, id: 'mine' }));
      expect(answer).toMatchObject({ modelName, modelVersion: String(stage), id: 'mine' });
      served.expectEvaluated(logitsIn(answer), learner, stage, 5, 2);
    }
  }
  const facts = await unary(served.client.modelMetadata.bind(served.client), { name: 'tiny', version: '' }, { what });
  expect(facts).toMatchObject({
    ...{ name: 'tiny', versions: ['0', '1', '2', 'latest'], platform: 'tensorflow_graphdef' },
    inputs: [{ name: 'images', datatype: 'UINT8', shape: [-1, 8, 8, 1] }],
    outputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, CLASSES] }],
    properties: { run: 'tiny', version: '1', stage: 'generation-1' },
  });
});

test('no request fails while generations are promoted, and none is answered by two of them', async () => {
  const served = await servedRun(8);
  expect(served.evaluated('student', 0, 0, 1)).not.toEqual(served.evaluated('student', 1, 0, 1));
  const seen = new Set<string>();
  let over = false;
  const ask = async (caller: number) => {
    for (let each = caller; !over; each++) {
      const [first, rows] = [each % 12, 1 + (each % 7)];
      const answer = await infer(served, inferRequest(first, rows));
      const { modelVersion } = answer;
      seen.add(modelVersion);
      served.expectEvaluated(logitsIn(answer), 'student', Number(modelVersion), first, rows);
    }
  };
  const callers = Promise.all(Array.from({ length: 8 }, (_, caller) => ask(caller)));
  for (let stage = 1; stage < 8; stage++) {
    await served.run.promote(stage);
    await expect.poll(() => seen.has(String(stage)), { timeout: 20_000, interval: 5 }).toBe(true);
  }
  over = true;
  await callers;
  expect([...seen].sort().join()).toBe('0,1,2,3,4,5,6,7');
});

test('a server that starts before its run is not ready, and says why', async () => {
  const store = memoryStore();
  const served = await serveModels({ store });
  const { client, url } = served;
  const isReady = async () => (await unary(client.serverReady.bind(client), {}, { what })).ready;
  expect(await isReady()).toBe(false);
  expect((await fetch(`${url}/v2/health/ready`)).status).toBe(503);
  expect((await fetch(`${url}/v2/health/live`)).status).toBe(200);
  await expect(infer(served, inferRequest(0, 1))).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining('run tiny is not served yet'),
  });
  await storeEndedStages(store, spec, 1);
  await expect.poll(isReady).toBe(true);
  expect((await fetch(`${url}/v2/health/ready`)).status).toBe(200);
  expect((await fetch(`${url}/v2/models/tiny/ready`)).status).toBe(200);
});

describe('a request is refused', () => {
  const shape = (...sizes: readonly (number | string)[]) => ({ shape: sizes as readonly number[] });
  const REFUSED: readonly [string, Partial<ModelInferRequest> & Parameters<typeof inferRequest>[2], string, string][] =
    [
      ['a model that is not served', { modelName: 'other' }, 'not-found', 'no model other is served'],
      ['a learner that there is not', { modelName: 'tiny.anchor' }, 'not-found', 'has no learner anchor'],
      ['a version that there is not', { modelVersion: '9' }, 'not-found', 'has no version 9; it has 0'],
      ['images of other sizes', shape(1, 8, 4, 2), 'invalid', 'the shape of images is [1, 8, 4, 2]'],
      ['a negative number of rows', shape(-1, 8, 8, 1), 'invalid', 'the shape of images is [-1, 8, 8, 1]'],
      ['more rows than it has bytes for', shape(2, 8, 8, 1), 'invalid', 'images needs 128 bytes'],
      ['a shape of terabytes', shape(2 ** 40, 8, 8, 1), 'invalid', 'serving.requestRows allows 256'],
      ['numbers that are no images', { datatype: 'FP64' }, 'invalid', 'the request has images of FP64'],
      ['no input', { inputs: [], rawInputContents: [] }, 'invalid', 'the request has 0 inputs'],
    ];
  test('for what the model does not take, by name', async () => {
    const served = await servedRun(1);
    for (const [title, changes, kind, message] of REFUSED) {
      await expect(infer(served, inferRequest(0, 1, changes)), title).rejects.toMatchObject({
        kind,
        message: expect.stringContaining(message),
      });
    }
    served.expectEvaluated(logitsIn(await infer(served, inferRequest(0, 1))), 'student', 0, 0, 1);
  });

  test('when too many rows wait, and served later', async () => {
    const served = await servedRun(1, { config: { requestRows: 8, queueRows: 8, maxBatch: 1 } });
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => infer(served, inferRequest(0, 8))));
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ reason: { kind: 'exhausted' } });
    expect((await infer(served, inferRequest(0, 8))).outputs).toHaveLength(1);
  });
});

test('a stream is answered in its order, and goes on after a request that fails', async () => {
  const served = await servedRun(2);
  const call = served.client.modelStreamInfer();
  const answers: ModelStreamInferResponse[] = [];
  call.on('data', (answer: ModelStreamInferResponse) => answers.push(answer));
  const versions = Array.from({ length: 30 }, (_, each) => (each === 7 ? '5' : String(each % 2)));
  for (const [each, modelVersion] of versions.entries()) {
    call.write(inferRequest(each % 9, 1 + (each % 3), { modelVersion, id: `${each}` }));
  }
  call.end();
  await once(call, 'end');
  expect(answers.map(({ inferResponse }) => inferResponse?.id)).toEqual(versions.map((_, each) => `${each}`));
  for (const [each, { errorMessage, inferResponse }] of answers.entries()) {
    if (each === 7) expect(errorMessage).toContain('has no version 5');
    else {
      served.expectEvaluated(logitsIn(inferResponse!), 'student', each % 2, each % 9, 1 + (each % 3));
    }
  }
});

test('a request whose caller has left is not computed', async () => {
  const computed: number[] = [];
  const ended: unknown[] = [];
  const served = await servedRun(1, {
    config: { delay: 10 },
    telemetry: {
      record: (metric, value, attributes) => {
        if (metric === 'trikd.inference.batch.size') computed.push(value);
        if (metric === 'trikd.inference.requests') ended.push(attributes?.['error.type']);
      },
    },
  });
  await expect(infer(served, inferRequest(0, 2), { deadlineSeconds: 0.2 })).rejects.toThrow();
  await expect.poll(() => ended).toEqual(['cancelled']);
  // Eight rows are a batch, which does not wait. Those of the request that was given up would be the first of nine.
  await infer(served, inferRequest(0, 8));
  expect(computed).toEqual([8]);
});

describe('a request is traced', () => {
  const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
  const traceparent = traceparentOf(parent.traceId, parent.spanId);
  const body = JSON.stringify({
    inputs: [{ name: 'images', datatype: 'UINT8', shape: [1, 8, 8, 1], data: [...rowsOf(0, 1)] }],
  });

  test('below the span of its caller, however it comes, unless the caller is not sampled', async () => {
    const traces: RequestTrace[] = [];
    const served = await servedRun(1, { telemetry: { request: (trace) => traces.push(trace) }, everyRequests: 1 });
    const { client, url, address } = served;
    const metadata = new Metadata();
    metadata.set('traceparent', traceparent);
    const begun = Date.now();
    await new Promise((resolve) => client.modelInfer(inferRequest(0, 3), metadata, resolve));
    const stream = client.modelStreamInfer(metadata);
    stream.write(inferRequest(0, 9));
    stream.end();
    stream.resume();
    await once(stream, 'end');
    const ask = (at: string, headers: Record<string, string>) =>
      fetch(`${at}/v2/models/tiny/infer`, {
        ...{ method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } },
      });
    await ask(url, { traceparent });
    await ask(await dashboardOf({ inference: address }), { traceparent });
    await ask(url, { traceparent: traceparent.replace(/01$/, '00') });
    expect(traces.map(({ computed, ...trace }) => [trace.parent, computed?.rows])).toEqual(
      [3, 9, 1, 1].map((rows) => [parent, rows]),
    );
    const [first, streamed] = traces;
    expect(first).toMatchObject({ model: 'tiny', computed: { version: '0', batches: [{ rows: 3 }] } });
    expect(streamed!.computed!.batches.map(({ rows }) => rows)).toEqual([8, 1]);
    const [{ started, ended }] = first!.computed!.batches as [ComputedBatch];
    const times = [begun - 1, first!.started, started, ended, first!.ended];
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  test('with the kind of its error; of those without a trace every Nth', async () => {
    const traces: RequestTrace[] = [];
    const served = await servedRun(1, { telemetry: { request: (trace) => traces.push(trace) }, everyRequests: 2 });
    for (const version of ['9', '', '', '9', '']) {
      await infer(served, inferRequest(0, 1, { modelVersion: version })).catch(() => undefined);
    }
    expect(traces.map(({ parent, error, computed }) => [parent, error?.type ?? computed?.version])).toEqual([
      [undefined, 'not-found'],
      [undefined, '0'],
      [undefined, '0'],
    ]);
  });
});

test('a server that ends answers what it has read', async () => {
  const served = await servedRun(1, { config: { delay: 0.3 } });
  const waiting = infer(served, inferRequest(0, 3));
  const open = () => unary(served.client.serverReady.bind(served.client), {}, { what });
  await open();
  const stopped = served.stop();
  served.expectEvaluated(logitsIn(await waiting), 'student', 0, 0, 3);
  await stopped;
  await expect(open()).rejects.toThrow();
});

test('of the versions that are asked for, as many are loaded as the limit says', async () => {
  const served = await servedRun(5, { config: { pinnedVersions: 2 } });
  for (const modelVersion of ['1', '2', '3', '1']) await infer(served, inferRequest(0, 1, { modelVersion }));
  const { models } = await unary(
    served.client.repositoryIndex.bind(served.client),
    { repositoryName: '', ready: true },
    { what },
  );
  expect(models.map(({ name, version }) => `${name} ${version}`)).toEqual(['tiny 0', 'tiny 1', 'tiny 3']);
});

describe('over HTTP', () => {
  const JSON_TYPE = { 'content-type': 'application/json' };
  const post = (url: string, body: string | Buffer<ArrayBuffer>, headers: Record<string, string> = {}) =>
    fetch(`${url}/v2/models/tiny/infer`, { method: 'POST', body, headers: { ...JSON_TYPE, ...headers } });
  const body = (first: number, rows: number, changes: object = {}) => ({
    inputs: [{ name: 'images', datatype: 'UINT8', shape: [rows, 8, 8, 1], data: [...rowsOf(first, rows)], ...changes }],
  });
  const answerIn = async (response: Response) =>
    (await response.json()) as { readonly outputs: readonly { readonly data: readonly number[] }[] };
  const logits = (data: readonly number[]) => Float32Array.from(data);

  test('JSON and bytes after JSON have the same bits', async () => {
    const { url, expectEvaluated } = await servedRun(2);
    const answer = await answerIn(await post(url, JSON.stringify({ id: 'mine', ...body(2, 3) })));
    expect(answer).toMatchObject({ model_name: 'tiny', model_version: '0', id: 'mine' });
    expect(answer.outputs[0]).toMatchObject({ name: 'logits', datatype: 'FP32', shape: [3, CLASSES] });
    expectEvaluated(logits(answer.outputs[0]!.data), 'student', 0, 2, 3);
    const head = Buffer.from(
      JSON.stringify({
        inputs: [{ name: 'images', datatype: 'UINT8', shape: [3, 8, 8, 1], parameters: { binary_data_size: 192 } }],
        outputs: [{ name: 'logits', parameters: { binary_data: true } }],
      }),
    );
    const binary = await post(url, Buffer.concat([head, rowsOf(2, 3)]), {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(head.length),
    });
    const bytes = Buffer.from(await binary.arrayBuffer());
    const length = Number(binary.headers.get('inference-header-content-length'));
    expect(JSON.parse(bytes.subarray(0, length).toString())).toMatchObject({ model_version: '0' });
    expectEvaluated(new Float32Array(new Uint8Array(bytes.subarray(length)).buffer), 'student', 0, 2, 3);
    const pinned = await fetch(`${url}/v2/models/tiny.teacher/versions/1/infer`, {
      ...{ method: 'POST', body: JSON.stringify(body(0, 1)) },
    });
    expectEvaluated(logits((await answerIn(pinned)).outputs[0]!.data), 'teacher', 1, 0, 1);
  });

  test('what cannot be answered has a status and says why', async () => {
    const { url } = await servedRun(1, { config: { limits: { requestBytes: 2048 } } });
    const cases: readonly [number, string, () => Promise<Response>][] = [
      [400, 'the request is not JSON', () => post(url, '{')],
      [400, 'the request is invalid', () => post(url, '{}')],
      [400, 'images needs 128 elements', () => post(url, JSON.stringify(body(0, 1, { shape: [2, 8, 8, 1] })))],
      [400, 'data is not a list of numbers', () => post(url, JSON.stringify(body(0, 1, { data: [[[[[1]]]]] })))],
      [
        400,
        'Inference-Header-Content-Length is 99',
        () => post(url, '{}', { 'inference-header-content-length': '99' }),
      ],
      [415, 'the request is compressed (gzip)', () => post(url, '{}', { 'content-encoding': 'gzip' })],
      [413, 'a request has at most 2048 bytes here', () => post(url, 'x'.repeat(2049))],
      [403, 'requests from http://elsewhere.example', () => post(url, '{}', { origin: 'http://elsewhere.example' })],
      [404, 'no route for GET /v3', () => fetch(`${url}/v3`)],
      [404, 'no model other', () => fetch(`${url}/v2/models/other`)],
      [404, 'no model other', () => fetch(`${url}/v2/models/other/ready`)],
    ];
    for (const [status, message, ask] of cases) {
      const response = await ask();
      expect(await response.json(), message).toEqual({ error: expect.stringContaining(message) });
      expect(response.status, message).toBe(status);
    }
  });

  test('too many requests are refused with a status for it', async () => {
    const { url } = await servedRun(1, { config: { requests: 1, delay: 0.2 } });
    const statuses = await Promise.all([0, 1, 2].map(async () => (await post(url, JSON.stringify(body(0, 1)))).status));
    expect(statuses.sort()).toEqual([200, 429, 429]);
  });

  /** Tokens are names; Ada may view. */
  const tokens: TokenVerifier = {
    verify: async (subject) => ({ kind: 'user', subject, teams: [], verbs: subject === 'ada' ? ['view'] : [] }),
  };

  test('the dashboard passes requests on, with the same answers and errors', async () => {
    const { address, expectEvaluated } = await servedRun(2);
    const dashboard = await dashboardOf({ inference: address });
    const answer = await answerIn(await post(dashboard, JSON.stringify(body(2, 3))));
    expectEvaluated(logits(answer.outputs[0]!.data), 'student', 0, 2, 3);
    const floats = body(2, 1, { datatype: 'FP32' });
    const teacher = { method: 'POST', body: JSON.stringify(floats), headers: JSON_TYPE };
    const pinned = await answerIn(await fetch(`${dashboard}/v2/models/tiny.teacher/versions/1/infer`, teacher));
    expectEvaluated(logits(pinned.outputs[0]!.data), 'teacher', 1, 2, 1);
    const index = await fetch(`${dashboard}/v2/repository/index`, { method: 'POST', body: '{}', headers: JSON_TYPE });
    expect(await index.json()).toContainEqual({ name: 'tiny', version: '0', state: 'READY', reason: '' });
    const facts = await fetch(`${dashboard}/v2/models/tiny`);
    expect(await facts.json()).toMatchObject({ name: 'tiny', inputs: [{ shape: [-1, 8, 8, 1] }] });
    for (const [status, message, changes] of [
      [400, 'the shape of images is [1, 4, 4, 4]', { shape: [1, 4, 4, 4] }],
      [400, 'images is 0.5 at element 0', { data: Array(64).fill(0.5) }],
    ] as const) {
      const response = await post(dashboard, JSON.stringify(body(0, 1, changes)));
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining(message) } });
    }
  });

  test('a dashboard asks models for people who may view, and says where none are served', async () => {
    const { address } = await servedRun(1);
    const dashboard = await dashboardOf({ inference: address, tokens });
    const statusOf = async (token?: string) =>
      (await fetch(`${dashboard}/v2/models/tiny`, { headers: token ? { authorization: `Bearer ${token}` } : {} }))
        .status;
    expect([await statusOf(), await statusOf('eve'), await statusOf('ada')]).toEqual([401, 403, 200]);
    const none = await fetch(`${await dashboardOf({})}/v2/models/tiny`);
    expect(none.status).toBe(404);
    expect(await none.text()).toContain('set http.inference');
  });

  test('with a verifier of tokens, everything but health needs one', async () => {
    const { url } = await servedRun(1, { tokens });
    const statusOf = async (path: string, token?: string) =>
      (await fetch(`${url}${path}`, { headers: token ? { authorization: `Bearer ${token}` } : {} })).status;
    expect(await statusOf('/v2/health/ready')).toBe(200);
    expect(await statusOf('/v2/models/tiny')).toBe(401);
    expect(await statusOf('/v2/models/tiny', 'eve')).toBe(403);
    expect(await statusOf('/v2/models/tiny', 'ada')).toBe(200);
  });
});
