import { isDeepStrictEqual } from 'node:util';
import type { Position } from '@trikd/core/domain/position';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { seedOf } from '@trikd/core/timing/trace-ids';
import type { StepTrace } from '@trikd/telemetry/step-trace';
import { NO_TELEMETRY, type Telemetry } from '@trikd/telemetry/telemetry';
import { type ModelServer, startModelServer } from '@trikd/testing/servers/model-server';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { numberAnchor } from '@trikd/testing/toy-model/number-model';
import { openEndpointWith } from '@trikd/transport/inference/inference-server';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { listenTo } from './exchange-rig.js';
import { type AnchorUnderTest, agreement, openAnchorServer } from './trio-rig.js';

const CLASSES = 4;
/** More than one page of answers. */
const STEPS = 20;
const start: Position = { runId: 'r', stage: 0, attempt: 1, step: 0 };
const of = (step: number, attempt = 1) => ({ ...start, step, attempt });

let models: ModelServer;
beforeAll(async () => {
  models = await startModelServer(1, CLASSES);
});
afterAll(() => models.kill());
beforeEach(() => models.behave({}));

/** A run whose teacher is at an endpoint, 20 steps. */
function specOf(change: object = {}, exchange: object = {}): RunSpec {
  return RunSpec.parse({
    name: 'r',
    data: { kind: 'synthetic', train: 160, classes: CLASSES },
    batchSize: 16,
    epochs: 2,
    warmupSteps: 0,
    method: 'kd',
    student: { model: { kind: 'plain-cnn', channels: [4] } },
    teacher: { from: { endpoint: models.address, model: 'linear', ...change } },
    exchange,
  });
}

async function open(
  store = memoryStore(),
  names: readonly string[] = [],
  telemetry: Telemetry = NO_TELEMETRY,
): Promise<AnchorUnderTest> {
  const endpoints = Object.fromEntries(names.map((name) => [name, { address: models.address }]));
  const openEndpoint = openEndpointWith({ endpoints, plaintext: 'loopback' }, { names, addresses: true });
  const anchor = await openAnchorServer(store, numberAnchor(), { openEndpoint, telemetry });
  onTestFinished(() => anchor.close());
  return anchor;
}

async function hear(anchor: AnchorUnderTest, from: Position, spec: RunSpec) {
  return listenTo(anchor.address, { producer: 'teacher', from, agreement: await agreement(spec) });
}

/** The frames of a stage from a step on. */
async function frames(anchor: AnchorUnderTest, from: Position, spec: RunSpec): Promise<readonly LogitsFrame[]> {
  const heard = await hear(anchor, from, spec);
  const all: LogitsFrame[] = [];
  for await (const frame of heard) if (all.push(frame) === STEPS - from.step) break;
  return all;
}

const logitsOf = (all: readonly LogitsFrame[]) =>
  all.map(({ logits }) => Buffer.from(Float32Array.from(logits.data).buffer).toString('base64'));

/** What the server has said of late. */
const said = (last: number) => models.answers.slice(-last).map(({ logits }) => logits);

test('its logits reach the trainers bit for bit, one answer for each step', async () => {
  const [anchor, spec] = [await open(), specOf()];
  const before = models.answers.length;
  expect(await anchor.loadFrozen(start, {}, spec)).toMatchObject({ scores: [], files: {} });
  const heard = await frames(anchor, start, spec);
  expect(models.answers.length - before).toBe(STEPS);
  expect(logitsOf(heard).toSorted()).toEqual(said(STEPS).toSorted());
});

test('an attempt after a kill gets the same logits, although the model would answer otherwise by now', async () => {
  const [store, spec] = [memoryStore(), specOf()];
  await models.behave({ shift: 1 });
  const first = await open(store);
  await first.loadFrozen(start, {}, spec);
  const heard = await frames(first, start, spec);
  const before = models.answers.length;
  const second = await open(store);
  await second.loadFrozen(of(5, 2), {}, spec);
  expect(logitsOf(await frames(second, of(5, 2), spec))).toEqual(logitsOf(heard).slice(5));
  expect(models.answers.length).toBe(before);
});

test('a registered endpoint is named without its address', async () => {
  const [anchor, spec] = [await open(memoryStore(), ['triton']), specOf({ endpoint: 'triton' })];
  await anchor.loadFrozen(start, {}, spec);
  expect(await frames(anchor, start, spec)).toHaveLength(STEPS);
});

test('requests are counted and timed, and are spans of a traced step', async () => {
  const [store, spec] = [memoryStore(), specOf()];
  const measured: [name: string, value: number, attributes: unknown][] = [];
  const traced: (StepTrace | undefined)[] = [];
  const telemetry: Telemetry = {
    ...NO_TELEMETRY,
    record: (name, value, attributes) => measured.push([name, value, attributes]),
    traced: (trace) => traced.push(trace()),
  };
  const sum = (wanted: string) => measured.reduce((all, [name, value]) => all + (name === wanted ? value : 0), 0);
  const first = await open(store, [], telemetry);
  await models.behave({ fail: ['UNAVAILABLE', 2] });
  await first.loadFrozen(start, {}, spec, { seed: seedOf('r', 'now'), everySteps: STEPS - 1 });
  await frames(first, start, spec);
  const by = (outcome: string) =>
    measured.filter(([name, , attributes]) => {
      const wanted = { 'trikd.part': 'teacher', 'trikd.outcome': outcome };
      return name === 'trikd.remote.requests' && isDeepStrictEqual(attributes, wanted);
    });
  expect([by('answered').length, by('failed').length]).toEqual([STEPS, 2]);
  expect(sum('trikd.remote.duration')).toBeGreaterThan(0);
  const call = traced.find((trace) => trace?.step.step === STEPS - 1)?.calls?.[0];
  expect(call).toMatchObject({ participant: 'teacher' });
  expect(call!.ended).toBeGreaterThanOrEqual(call!.started);
  expect(sum('trikd.remote.kept')).toBe(0);
  const second = await open(store, [], telemetry);
  await second.loadFrozen(of(0, 2), {}, spec);
  await frames(second, of(0, 2), spec);
  expect(sum('trikd.remote.kept')).toBe(STEPS);
});

test('normalised images go to a model that takes FP32', async () => {
  await models.behave({ datatype: 'FP32' });
  const anchor = await open();
  const logits = async (change: object, runId: string) => {
    const spec = { ...specOf(change), name: runId };
    await anchor.loadFrozen({ ...start, runId }, {}, spec);
    return logitsOf(await frames(anchor, { ...start, runId }, spec));
  };
  const normalised = await logits({}, 'a');
  expect(await logits({ pixels: 'raw' }, 'b')).not.toEqual(normalised);
});

describe('a server that', () => {
  test.each([
    ['is busy for a while', { fail: ['RESOURCE_EXHAUSTED', 3] }],
    ['is away for a while', { fail: ['UNAVAILABLE', 3] }],
    ['is slow', { seconds: 0.05 }],
  ] as const)('%s is waited for', async (_name, behaviour) => {
    const [anchor, spec] = [await open(), specOf()];
    await models.behave(behaviour);
    await anchor.loadFrozen(start, {}, spec);
    expect(logitsOf(await frames(anchor, start, spec)).toSorted()).toEqual(said(STEPS).toSorted());
  });

  test('is started again at its address goes on', async () => {
    const own = await startModelServer(1, CLASSES);
    const [anchor, spec] = [await open(), specOf({ endpoint: own.address })];
    await anchor.loadFrozen(start, {}, spec);
    const heard = await hear(anchor, start, spec);
    await heard.next();
    await own.kill();
    const again = await startModelServer(1, CLASSES, own.port);
    onTestFinished(() => again.kill());
    for (let step = 1; step < STEPS; step++) expect((await heard.next()).value?.position.step).toBe(step);
    expect(again.answers.length).toBeGreaterThan(0);
  });

  test.each([
    ['has no such model', {}, { model: 'resnet' }, 'not-found', /there is no model resnet/],
    ['has a model of other classes', { classes: 5 }, {}, 'invalid', /has 5 classes, the data have 4/],
    ['answers what is no number', { answer: 'nan' }, {}, 'wrong-state', /the answer is not finite in row 0/],
    [
      'answers too few rows',
      { answer: 'rows' },
      {},
      'wrong-state',
      /the answer has the shape \[15, 4\], expected \[16, 4\]/,
    ],
    ['answers probabilities', { answer: 'probabilities' }, {}, 'wrong-state', /has probabilities, which sum to 1/],
    ['refuses the call', { fail: ['PERMISSION_DENIED', 9] }, {}, 'invalid', /PERMISSION_DENIED/],
  ] as const)('%s is refused before anybody trains', async (_name, behaviour, change, kind, message) => {
    await models.behave(behaviour);
    const anchor = await open();
    await expect(anchor.loadFrozen(start, {}, specOf(change))).rejects.toMatchObject({
      kind,
      message: expect.stringMatching(message),
    });
    expect((await anchor.get()).serving).toBeUndefined();
  });

  test('answers what is no number from some step on ends the streams with the reason', async () => {
    const [anchor, spec] = [await open(), specOf({}, { window: 1 })];
    await anchor.loadFrozen(start, {}, spec);
    const heard = await hear(anchor, start, spec);
    await heard.next();
    await models.behave({ answer: 'nan' });
    const rest = async () => {
      for await (const _ of heard);
    };
    await expect(rest()).rejects.toMatchObject({
      kind: 'out-of-step',
      message: expect.stringMatching(/the teacher gave up: model linear at .*: the answer is not finite in row 0/),
    });
  });

  test('never answers is given up in time, and does not hold up the end of the anchor-server', async () => {
    await models.behave({ answer: 'silence' });
    const anchor = await open();
    await expect(anchor.loadFrozen(start, {}, specOf({}, { stepTimeout: 0.5 }))).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringMatching(/has not answered for 0.5 s; the log of the anchor-server says why$/),
    });
    const loading = anchor.loadFrozen(of(0, 2), {}, specOf());
    loading.catch(() => undefined);
    await anchor.close();
    await expect(loading).rejects.toMatchObject({ kind: 'unavailable' });
  });
});
