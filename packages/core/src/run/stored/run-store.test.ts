import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { describe, expect, test } from 'vitest';
import { MAX_SEALED_BYTES, otherVersion, sealJson } from '../../checkpoint/json.js';
import { manifestKey } from '../../checkpoint/manifest.js';
import { MOST_GENERATIONS } from '../../spec/run-spec.js';
import { MOST_FROZEN, MOST_STAGES } from '../../spec/stage-spec.js';
import { stagesOf } from '../../stages/stages-of.js';
import {
  candidateOf,
  firstState,
  LONGEST_REASON,
  MOST_MOVES_BY_HAND,
  MOST_PAIRS,
  type RunState,
  StageResult,
} from '../state.js';
import {
  createRun,
  LONGEST_REQUEST_ID,
  listRuns,
  loadRun,
  type SavedRun,
  saveRun,
  specKey,
  stateKey,
} from './run-store.js';

const spec = (change: object = {}) => specFor('bare', change);
const score = { metrics: { accuracy: 0.5, nll: 1 }, examples: 8 };

describe('createRun', () => {
  test('lets one of many creators own the first attempt', async () => {
    const store = memoryStore();
    const runs = await Promise.all(Array.from({ length: 5 }, () => createRun(store, spec())));
    expect(runs.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(runs.map(({ state }) => JSON.stringify(state))).size).toBe(1);
  });

  test('refuses another spec under the same name and names every field that differs', async () => {
    const store = memoryStore();
    await createRun(store, spec());
    const other = spec({ epochs: 3, student: { learningRate: 0.1 } });
    await expect(createRun(store, other)).rejects.toMatchObject({
      kind: 'invalid',
      message:
        'run trial exists with another spec: epochs: stored 2, requested 3; student.learningRate: stored 0.05, requested 0.1',
    });
  });

  test('completes a run whose creator died between its two writes', async () => {
    const store = memoryStore();
    await createRun(store, spec());
    await store.remove(stateKey('trial'));
    expect(await createRun(store, spec())).toMatchObject({ created: true, state: { phase: 'queued', attempt: 1 } });
  });
});

describe('loadRun', () => {
  test('reports that a run does not exist', async () => {
    await expect(loadRun(memoryStore(), 'absent')).rejects.toMatchObject({ kind: 'not-found' });
  });

  test.each<[string, (text: string) => Uint8Array]>([
    ['with an unknown phase', (text) => resealed(text, { state: { phase: 'dreaming' } })],
    ['with one digit changed', (text) => Buffer.from(text.replace('"attempt":1', '"attempt":3'))],
    ['that is truncated', (text) => Buffer.from(text.slice(0, 6))],
  ])('refuses a state file %s', async (_what, damage) => {
    const store = memoryStore();
    await createRun(store, spec());
    const { bytes } = (await store.get(stateKey('trial')))!;
    await store.put(stateKey('trial'), damage(Buffer.from(bytes).toString()));
    await expect(loadRun(store, 'trial')).rejects.toMatchObject({ kind: 'corrupt' });
  });

  test.each([7, 9])('refuses a state file of version %i, and says which one it reads', async (version) => {
    const store = memoryStore();
    await createRun(store, spec());
    const { bytes } = (await store.get(stateKey('trial')))!;
    await store.put(stateKey('trial'), resealed(Buffer.from(bytes).toString(), { version }));
    await expect(loadRun(store, 'trial')).rejects.toMatchObject({
      kind: 'corrupt',
      message: otherVersion(stateKey('trial'), version, 8),
    });
  });

  test('refuses a spec file of another shape', async () => {
    const store = memoryStore();
    await createRun(store, spec());
    await store.put(specKey('trial'), sealJson({ name: 'trial' }));
    await expect(loadRun(store, 'trial')).rejects.toMatchObject({ kind: 'corrupt' });
  });
});

describe('saveRun', () => {
  test('refuses the slower write of two orchestrators', async () => {
    const store = memoryStore();
    const run = await createRun(store, spec());
    const mine = { ...run.state, attempt: 2 };
    const saved = await saveRun(store, run, { state: mine });
    await expect(saveRun(store, run, { state: { ...run.state, attempt: 3 } })).rejects.toMatchObject({
      kind: 'out-of-step',
    });
    expect((await loadRun(store, 'trial')).state).toEqual(mine);
    expect((await saveRun(store, saved, { state: { ...mine, attempt: 3 } })).state.attempt).toBe(3);
  });

  test('refuses a leader whose term is over, although it has read the newest state', async () => {
    const store = memoryStore();
    const run = await saveRun(store, await createRun(store, spec()), { term: 5 });
    await expect(saveRun(store, run, { term: 4 })).rejects.toMatchObject({ kind: 'out-of-step' });
    expect((await saveRun(store, run, { term: 6 })).term).toBe(6);
  });

  test('never writes the same content twice, so that a reader notices every new state', async () => {
    const store = memoryStore();
    const first = await createRun(store, spec());
    const bytes = async () => (await store.get(stateKey('trial')))!.bytes;
    const before = await bytes();
    const second = await saveRun(store, first, {});
    expect(Buffer.compare(before, await bytes())).not.toBe(0);
    expect(second.revision).toBe(first.revision + 1);
  });

  test('keeps the newest request ids', async () => {
    const store = memoryStore();
    let run: SavedRun = await createRun(store, spec(), { request: 'first' });
    expect(run.requests).toEqual(['first']);
    for (let i = 0; i < 64; i++) run = await saveRun(store, run, { request: `${i}` });
    expect(run.requests).toHaveLength(64);
    expect([run.requests[0], run.requests.at(-1)]).toEqual(['0', '63']);
  });
});

test('a run records when it was created, first got a trio, changed and ended, and since when each condition holds', async () => {
  const store = memoryStore();
  const at = (second: number) => `2026-01-02T03:04:0${second}.000Z`;
  const created = await createRun(store, spec(), { at: at(1) });
  const paused = await saveRun(store, created, { state: { ...firstState, phase: 'paused' }, at: at(2) });
  const resting = await saveRun(store, paused, { term: 1, at: at(3) });
  const failure = { kind: 'internal' as const, reason: 'a bug' };
  const failed = await saveRun(store, resting, { state: { ...firstState, phase: 'failed', ...failure }, at: at(4) });
  expect((await loadRun(store, 'trial')).times).toEqual({
    ...{ created: at(1), updated: at(4), ended: at(4), changed: { Queued: at(2), Paused: at(4), Failed: at(4) } },
  });
  expect(resting.times).toMatchObject({ updated: at(3), changed: { Paused: at(2) } });
  const revived = await saveRun(store, failed, { state: firstState, at: at(5) });
  expect(revived.times).toEqual({
    created: at(1),
    updated: at(5),
    changed: { Queued: at(5), Paused: at(4), Failed: at(5) },
  });
  const { pairs, losses, moves, results, stage, attempt } = firstState;
  const preparing = { phase: 'preparing' as const, pairs, losses, moves, results, stage, attempt };
  const placed = await saveRun(store, revived, { state: preparing, at: at(6) });
  const again = await saveRun(store, placed, { state: firstState, at: at(7) });
  expect((await saveRun(store, again, { state: preparing, at: at(8) })).times).toMatchObject({ started: at(6) });
});

test('the result of a stage with one learner and no candidate is stored', async () => {
  const store = memoryStore();
  const run = await createRun(store, spec());
  const { candidate: _, learners, ...result } = resultOf(0);
  const lone = { ...result, learners: { 'assistant-1': learners['student']! }, promoted: false };
  const state: RunState = { ...firstState, stage: 1, results: [lone] };
  await saveRun(store, run, { state });
  expect((await loadRun(store, 'trial')).state).toEqual(state);
});

test.each(['failed', 'paused', 'queued'] as const)(
  'the longest state that a spec permits is written and read again: %s',
  async (phase) => {
    const store = memoryStore();
    const name = 'n'.repeat(63);
    const at = '2026-01-02T03:04:05.000Z';
    const longest = spec({
      ...{ name, curriculum: { generations: MOST_GENERATIONS } },
      method: { kind: 'trikd', firstAnchor: 'kd' },
    });
    expect(stagesOf(longest)).toHaveLength(MOST_STAGES_OF_METHOD);
    let run: SavedRun = await createRun(store, longest, { at });
    for (let i = 0; i < 64; i++) run = await saveRun(store, run, { request: `${i}`.padEnd(LONGEST_REQUEST_ID, '"') });
    const state = longestState(name, phase, at);
    await saveRun(store, run, { state, term: 0xffffffff, at });
    expect((await loadRun(store, name)).state).toEqual(state);
    const { bytes } = (await store.get(stateKey(name)))!;
    expect(bytes.length).toBeLessThan(MAX_SEALED_BYTES);
  },
);

test('the longest state of stages that are written out is shorter than that of as many generations as there can be', () => {
  const name = 'n'.repeat(63);
  const names = (count: number) => Array.from({ length: count }, (_, index) => `${index}`.padStart(31, 'n'));
  const { learners, frozen, ...rest } = longestResult(name, MOST_STAGES);
  const by = <Value>(keys: readonly string[], value: Value) => Object.fromEntries(keys.map((key) => [key, value]));
  const longest = {
    ...{ ...rest, learners: by(names(2), learners['student']!), candidate: names(1)[0]! },
    frozen: by(names(MOST_FROZEN), frozen!['anchor']!),
  };
  expect(() => StageResult.parse(longest)).not.toThrow();
  const written = MOST_STAGES * JSON.stringify(longest).length;
  expect(written).toBeLessThan(MOST_GENERATIONS * JSON.stringify(longestResult(name, 0)).length);
});

/** With a stage for the teacher before the generations. */
const MOST_STAGES_OF_METHOD = MOST_GENERATIONS + 1;

/** Everything that grows in a state, as long as it gets. */
function longestState(name: string, phase: 'failed' | 'paused' | 'queued', at: string): RunState {
  const most = 0xffffffff;
  const results = Array.from({ length: MOST_STAGES_OF_METHOD }, (_, index) => longestResult(name, index));
  const last = longestResult(name, MOST_STAGES_OF_METHOD - 1);
  const { stage, promoted: _promoted, candidate: _candidate, frozen, ...outcome } = last;
  const manifest = manifestKey({ runId: name, stage, attempt: most, step: most });
  const convergence = { best: 0.12345678901234566, sinceGain: most };
  const resumable = {
    ...{ stage, attempt: most, results, losses: most },
    facts: { datasetDigest: 'a'.repeat(64), classes: most, totalSteps: most, stepsPerEpoch: most },
    anchor: { stage, params: candidateOf(last)!.params },
    pairs: Array.from({ length: MOST_PAIRS }, () => ({ step: most, manifestKey: manifest, convergence })),
    moves: Array.from({ length: MOST_GENERATIONS + MOST_MOVES_BY_HAND }, () => {
      return { by: 'rollback' as const, to: stage, during: stage, at };
    }),
  };
  if (phase === 'failed') return { ...resumable, phase, kind: 'internal', reason: '\u0001'.repeat(LONGEST_REASON) };
  const unjudged = { outcome, ...(frozen && { frozen }) };
  if (phase === 'paused') return { ...resumable, phase, ...unjudged };
  const displaced = { why: 'trio-draining' as const, message: '\u0001'.repeat(LONGEST_REASON) };
  return { ...resumable, phase, ...unjudged, displaced };
}

test('a spec with more stages than the state of a run can hold is refused', () => {
  const curriculum = { generations: MOST_GENERATIONS + 1 };
  expect(() => spec({ curriculum })).toThrow(`<=${MOST_GENERATIONS}`);
});

/** A result whose keys and numbers are as long as they get. */
function longestResult(name: string, stage: number): StageResult {
  const most = 0xffffffff;
  const metrics = {
    accuracy: 0.12345678901234566,
    nll: 12345.678901234567,
    ece: 1.2345678901234568e-10,
    top5: 0.12345678901234566,
  };
  const score = { metrics, examples: most };
  const sha256 = 'a'.repeat(64);
  const key = `runs/${name}/blobs/${stage}.${most}/${sha256}.safetensors`;
  const best = { step: most, validation: score, test: score, params: { key, sha256, bytes: Number.MAX_SAFE_INTEGER } };
  const learner = { best, stateSha256: sha256 };
  return {
    ...resultOf(stage),
    ...{ steps: most, learners: { student: learner, teacher: learner } },
    frozen: { anchor: { validation: score, test: score } },
    pair: { step: most, manifestKey: manifestKey({ runId: name, stage, attempt: most, step: most }) },
  };
}

function resultOf(stage: number): StageResult {
  const params = { key: 'blobs/p', sha256: 'a'.repeat(64), bytes: 8 };
  const best = { step: 1, validation: score, params };
  const learners = {
    student: { best, stateSha256: 'a'.repeat(64) },
    teacher: { best, stateSha256: 'b'.repeat(64) },
  };
  const pair = { step: 1, manifestKey: 'pair' };
  return { stage, steps: 1, learners, candidate: 'student', promoted: true, pair };
}

test('listRuns names every run that has a state, sorted', async () => {
  const store = memoryStore();
  for (const name of ['b', 'a-2', 'a']) await createRun(store, spec({ name }));
  await store.put('runs/c/spec.json', Buffer.from('{}'));
  expect(await listRuns(store)).toEqual(['a', 'a-2', 'b']);
});

/** A state file with other fields, under the digest that those have. */
function resealed(text: string, changes: Readonly<Record<string, unknown>>): Uint8Array {
  const { digest: _digest, ...fields }: Record<string, unknown> = JSON.parse(text);
  return sealJson({ ...fields, ...changes });
}
