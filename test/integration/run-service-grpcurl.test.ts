import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { firstState, type RunState, type StageResult } from '@trikd/core/run/state';
import { createRun, saveRun } from '@trikd/core/run/stored/run-store';
import { newRun } from '@trikd/core/spec/new-run';
import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, grpcurl } from './grpcurl.js';
import { cleanUp, serve, specOf, trio } from './orchestrator-rig.js';

const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const RESOURCE_EXHAUSTED = 8;
const FAILED_PRECONDITION = 9;
/** The runtime's own, for what is no message. */
const INTERNAL = 13;

const RUN = { runId: 'trial' };
const params = { key: 'runs/trial/blobs/0.1/p', sha256: createHash('sha256').digest('hex'), bytes: 8 };
const resultOf = (stage: number, promoted: boolean): StageResult => {
  const best = { step: 2, validation: { metrics: { accuracy: 0.8, nll: 0.5 }, examples: 400 }, params };
  const learner = { best, stateSha256: params.sha256 };
  const pair = { step: 2, manifestKey: `runs/trial/manifests/${stage}` };
  const learners = { student: learner, teacher: learner };
  return { stage, steps: 2, learners, candidate: 'student', promoted, pair };
};
const resumable = {
  ...firstState,
  stage: 2,
  results: [resultOf(0, true), resultOf(1, false)],
  moves: [{ by: 'rule' as const, to: 0, during: 0 }],
  facts: { datasetDigest: params.sha256, classes: 4, totalSteps: 4, stepsPerEpoch: 1 },
};
/** Runs that rest or have ended: only the calls of a test change them. */
const RESTING: Readonly<Record<string, RunState>> = {
  waiting: { ...resumable, phase: 'waiting' },
  paused: { ...resumable, phase: 'paused' },
  completed: { ...resumable, phase: 'completed' } as RunState,
  failed: { ...resumable, phase: 'failed', kind: 'unavailable', reason: 'the teacher is gone' },
  diverged: { ...resumable, phase: 'failed', kind: 'diverged', reason: 'loss is NaN' },
  cancelled: { ...resumable, phase: 'cancelled' },
};

async function put(store: ObjectStore, name: string, phase: keyof typeof RESTING): Promise<void> {
  const run = await createRun(store, newRun(specFor('three stages', { name })), { at: '2026-01-02T03:04:05.000Z' });
  const { anchor: _none, ...state } = { anchor: undefined, ...RESTING[phase]! };
  if (state.phase !== 'completed') return void (await saveRun(store, run, { state }));
  const { stage, attempt, results, moves } = state;
  await saveRun(store, run, { state: { phase: 'completed', stage, attempt, results, moves } });
}

let store: ObjectStore;
let served: Awaited<ReturnType<typeof serve>>;
let call: ReturnType<typeof grpcurl>['call'];
let ask: ReturnType<typeof grpcurl>['ask'];

beforeAll(async () => {
  store = memoryStore();
  for (const phase of Object.keys(RESTING)) await put(store, phase, phase);
  served = await serve(store, await trio(store));
  ({ call, ask } = grpcurl(served.address));
});
afterAll(cleanUp);

const runOf = ({ messages }: Answer): Readonly<Record<string, unknown>> => {
  const run = messages[0]?.['run'];
  return typeof run === 'object' && run !== null ? { ...run } : {};
};

test('reflection names every method, and describes every message', async () => {
  expect((await ask('list')).split('\n')).toContain('trikd.v1.RunService');
  const methods = (await ask('list', 'trikd.v1.RunService')).trim().split('\n');
  expect(methods.map((name) => name.replace('trikd.v1.RunService.', '')).sort()).toEqual([
    ...[
      'CancelRun',
      'CreateRun',
      'DeleteRun',
      'GetCaller',
      'GetRun',
      'ListCheckpoints',
      'ListRuns',
      'PauseRun',
      'PromoteGeneration',
      'ReadBlob',
      'ResumeRun',
    ],
    ...['RollbackAnchor', 'TagRun', 'TriggerGeneration', 'WatchRun'],
  ]);
  expect(await ask('describe', 'trikd.v1.RunCondition')).toContain('last_transition_time');
});

describe('right use', () => {
  test('creates a run, lists it, follows it to its end and reads its events again', async () => {
    const created = await call('CreateRun', { spec: JSON.stringify(specOf()), requestId: 'r-1', takeOver: true });
    expect(created.code).toBe(0);
    expect(runOf(created)).toMatchObject({ ...RUN, advance: 'RUN_ADVANCE_AUTOMATIC', createTime: expect.any(String) });
    const { messages } = await call('WatchRun', RUN);
    expect(messages[0]).not.toHaveProperty('number');
    const last = messages.at(-1)?.['phaseChanged'];
    expect(last).toMatchObject({ phase: 'RUN_PHASE_COMPLETED', progress: { percent: 100 } });
    const got = runOf(await call('GetRun', RUN));
    expect(got).toMatchObject({ phase: 'RUN_PHASE_COMPLETED', endTime: expect.any(String) });
    expect(got['conditions']).toContainEqual(
      expect.objectContaining({ type: 'Completed', status: 'CONDITION_STATUS_TRUE', reason: 'BudgetUsed' }),
    );
    expect(got['anchorMoves']).toMatchObject([{ kind: 'ANCHOR_MOVE_KIND_RULE' }, { stage: 1, during: 1 }]);

    const again = await call('WatchRun', { ...RUN, fromEvent: 1 });
    const numbers = again.messages.slice(1).map(({ number }) => Number(number));
    expect(numbers.length).toBeGreaterThan(20);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(again.messages.at(-1)?.['phaseChanged']).toMatchObject({ phase: 'RUN_PHASE_COMPLETED' });
    const middle = numbers[10]!;
    const rest = await call('WatchRun', { ...RUN, fromEvent: middle });
    expect(rest.messages[1]).toMatchObject({ number: `${middle}`, time: expect.any(String) });

    const list = await call('ListRuns', { phases: ['RUN_PHASE_COMPLETED'] });
    expect(list.messages[0]?.['runs']).toMatchObject([{ runId: 'completed' }, { runId: 'trial' }]);
    const rolled = await call('RollbackAnchor', { ...RUN, stage: 0, requestId: 'back' });
    expect(runOf(rolled)).toMatchObject({ rollbacks: 1, phase: 'RUN_PHASE_COMPLETED' });
    const promoted = await call('PromoteGeneration', { ...RUN, stage: 2, requestId: 'forward' });
    expect(runOf(promoted)['anchorMoves']).toHaveLength(4);
    expect((await call('DeleteRun', { ...RUN, requestId: 'gone' })).code).toBe(0);
    expect((await call('DeleteRun', { ...RUN, requestId: 'gone' })).code).toBe(0);
    expect((await call('GetRun', RUN)).code).toBe(NOT_FOUND);
  });

  test('cancels a run that rests and one that waits', async () => {
    for (const phase of ['paused', 'waiting']) {
      await put(store, `${phase}-2`, phase);
      expect(runOf(await call('CancelRun', { runId: `${phase}-2` }))).toMatchObject({ phase: 'RUN_PHASE_CANCELLED' });
    }
  });
});

describe('wrong states', () => {
  test.each<[string, readonly string[]]>([
    ['PauseRun', ['waiting', 'paused', 'completed', 'failed', 'cancelled']],
    ['ResumeRun', ['waiting', 'completed', 'diverged', 'cancelled']],
    ['TriggerGeneration', ['paused', 'completed', 'failed', 'cancelled']],
    ['CancelRun', ['completed', 'failed', 'cancelled']],
    ['DeleteRun', ['waiting', 'paused']],
  ])('%s is refused of a run that is in the wrong one, with what can be asked instead', async (method, phases) => {
    for (const runId of phases) {
      const { code, message, details } = await call(method, { runId });
      expect([runId, code, message]).toEqual([
        ...[runId, FAILED_PRECONDITION],
        expect.stringMatching(runId === 'diverged' ? /would fail again/ : /^the run .*: it .*; it can (be|only be) /),
      ]);
      expect(details).toMatchObject({
        ErrorInfo: { reason: 'WRONG_STATE', domain: 'trikd', metadata: { run: runId } },
        PreconditionFailure: { violations: [{ type: 'RUN_PHASE', subject: `runs/${runId}` }] },
      });
    }
  });

  test.each<[string, number, RegExp]>([
    ['PromoteGeneration', 0, /was promoted before: roll back to it/],
    ['PromoteGeneration', 9, /stage 9 has not ended: only stages up to 1 have/],
    ['RollbackAnchor', 1, /was not promoted: only those of 0 were/],
    ['RollbackAnchor', 4294967295, /was not promoted/],
  ])('%s of stage %i is refused by the field', async (method, stage, sentence) => {
    const { code, message, details } = await call(method, { runId: 'paused', stage });
    expect([code, message]).toEqual([INVALID_ARGUMENT, expect.stringMatching(sentence)]);
    expect(details['BadRequest']).toMatchObject({ fieldViolations: [{ field: 'stage' }] });
  });
});

const BY_ID = [
  ...['GetRun', 'WatchRun', 'TriggerGeneration', 'PauseRun', 'ResumeRun', 'CancelRun', 'DeleteRun'],
  ...['PromoteGeneration', 'RollbackAnchor'],
];

const NO_IDS = ['', '../other/state', 'a/b', 'A', 'ü', 'a\u0000b', 'a'.repeat(64), 'x'.repeat(500_000)];

describe.each(BY_ID)('%s', (method) => {
  test('says that there is no run of an unknown id, and refuses what can be none', async () => {
    const { code, details } = await call(method, { runId: 'absent' });
    expect(code).toBe(NOT_FOUND);
    expect(details['ResourceInfo']).toMatchObject({ resourceType: 'trikd.v1.Run', resourceName: 'absent' });
    for (const runId of method === 'GetRun' ? NO_IDS : ['../other/state']) {
      const refused = await call(method, { runId });
      expect([runId.slice(0, 70), refused.code]).toEqual([runId.slice(0, 70), INVALID_ARGUMENT]);
      expect(refused.details['BadRequest']).toMatchObject({ fieldViolations: [{ field: 'run_id' }] });
    }
  });
});

describe('huge and hostile requests', () => {
  test.each<[string, unknown, string]>([
    ['no spec', {}, 'spec'],
    ['a spec that is no JSON', { spec: '{' }, 'spec'],
    ['a spec of another kind', { spec: '[]' }, 'spec'],
    ['a spec nested 30,000 deep', { spec: '['.repeat(30_000) }, 'spec'],
    ['a spec of 100,000 characters', { spec: `"${'x'.repeat(100_000)}"` }, 'spec'],
    ['a name that is a path', { spec: JSON.stringify(specOf({ name: '../x' })) }, 'spec.name'],
    ['an unknown field', { spec: JSON.stringify(specOf({ temprature: 2 })) }, 'spec.temprature'],
    [
      'a field of a prototype',
      { spec: JSON.stringify(specOf()).replace('{', '{"__proto__":{"a":1},') },
      'spec.__proto__',
    ],
    [
      'a wrong number inside',
      { spec: JSON.stringify(specOf({ student: { ...specOf().student, learningRate: -1 } })) },
      'spec.student.learningRate',
    ],
    ['a request id of two lines', { spec: JSON.stringify(specOf()), requestId: 'a\nb' }, 'request_id'],
    ['a request id of a megabyte', { spec: JSON.stringify(specOf()), requestId: 'a'.repeat(900_000) }, 'request_id'],
  ])('CreateRun refuses %s by the field', async (_what, request, field) => {
    const { code, details } = await call('CreateRun', request);
    expect(code).toBe(INVALID_ARGUMENT);
    expect(details).toMatchObject({ ErrorInfo: { reason: 'INVALID' }, BadRequest: { fieldViolations: [{ field }] } });
  });

  test('a spec of five megabytes is not even read', async () => {
    const { code, message } = await call('CreateRun', { spec: 'x'.repeat(5_000_000) });
    expect([code, message]).toEqual([RESOURCE_EXHAUSTED, expect.stringContaining('larger than max')]);
  });

  test('another spec under a name that is taken is refused by every field that differs', async () => {
    const spec = JSON.stringify(specOf({ name: 'paused', epochs: 9, batchSize: 64 }));
    const { code, details } = await call('CreateRun', { spec });
    expect(code).toBe(INVALID_ARGUMENT);
    expect(details['BadRequest']).toMatchObject({
      fieldViolations: [
        { field: 'spec.batchSize' },
        { field: 'spec.epochs', description: 'epochs: stored 8, requested 9' },
      ],
    });
  });

  test.each<[unknown, string]>([
    [{ pageToken: 'nonsense' }, 'page_token'],
    [{ pageToken: Buffer.from('after ../x').toString('base64url') }, 'page_token'],
    [{ phases: [77] }, 'phases'],
    [{ phases: ['RUN_PHASE_UNSPECIFIED'] }, 'phases'],
  ])('ListRuns refuses %j', async (request, field) => {
    const { code, details } = await call('ListRuns', request);
    expect(code).toBe(INVALID_ARGUMENT);
    expect(details['BadRequest']).toMatchObject({ fieldViolations: [{ field }] });
  });

  test.each<[object, string]>([
    [{ priority: 101 }, 'placement.priority'],
    [{ class: 'c'.repeat(64) }, 'placement.class'],
    [{ queue: 'q'.repeat(64) }, 'placement.queue'],
  ])('CreateRun refuses the placement %j', async (placement, field) => {
    const request = { spec: JSON.stringify(specOf({ name: 'unplaced' })), placement };
    const { code, details } = await call('CreateRun', request);
    expect(code).toBe(INVALID_ARGUMENT);
    expect(details['BadRequest']).toMatchObject({ fieldViolations: [{ field }] });
  });

  test('ListRuns gives no more than there is, however much is asked for', async () => {
    const { code, messages } = await call('ListRuns', { pageSize: 4294967295 });
    expect(code).toBe(0);
    expect(messages[0]?.['runs']).toEqual(expect.arrayContaining([expect.objectContaining({ runId: 'waiting' })]));
  });

  test('an event number beyond all numbers gives what there is to say, and no more', async () => {
    const { code, messages } = await call('WatchRun', { runId: 'completed', fromEvent: `${2n ** 53n - 1n}` });
    expect([code, messages.length]).toEqual([0, 1]);
  });

  test('after all of it the orchestrator answers as before', async () => {
    expect(runOf(await call('GetRun', { runId: 'paused' }))).toMatchObject({ phase: 'RUN_PHASE_PAUSED' });
  });
});

describe('bytes that are no request', () => {
  const send = (method: string, bytes: Buffer) =>
    new Promise<{ readonly code: number; readonly details: string }>((resolve, reject) => {
      const asTheyAre = (value: Buffer) => value;
      served.client.makeUnaryRequest(`/trikd.v1.RunService/${method}`, asTheyAre, asTheyAre, bytes, (error) =>
        error ? resolve({ code: error.code, details: error.details }) : reject(new Error('it was answered')),
      );
    });

  test.each<[string, number, string, Buffer]>([
    ['a text that is no UTF-8', INVALID_ARGUMENT, 'GetRun', Buffer.from([0x0a, 2, 0xff, 0xfe])],
    ['a field that is cut', INTERNAL, 'GetRun', Buffer.from([0x0a, 200, 1])],
    ['noise', INTERNAL, 'CreateRun', Buffer.from('ffffffffffffffffffff', 'hex')],
    ['an event number of 64 bits', INTERNAL, 'WatchRun', Buffer.from([0x0a, 1, 0x61, 0x10, ...Array(9).fill(0xff), 1])],
  ])('are refused: %s, with status %i', async (_what, code, method, bytes) => {
    expect(await send(method, bytes)).toMatchObject({ code });
    expect(runOf(await call('GetRun', { runId: 'paused' }))).toMatchObject({ phase: 'RUN_PHASE_PAUSED' });
  });
});

test('buf curl speaks with it too', async () => {
  const url = `http://${served.address}/trikd.v1.RunService/GetRun`;
  const program = fileURLToPath(new URL('../../node_modules/.bin/buf', import.meta.url));
  const args = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', '-d', '{"runId": "paused"}', url];
  const { stdout } = await promisify(execFile)(program, args);
  expect(JSON.parse(stdout)).toMatchObject({ run: { runId: 'paused', phase: 'RUN_PHASE_PAUSED' } });
});
