import { encodeManifest, MANIFEST_VERSION, manifestKey } from '@trikd/core/checkpoint/manifest';
import type { Owner } from '@trikd/core/run/placement';
import type { StageResult } from '@trikd/core/run/state';
import { createRun } from '@trikd/core/run/stored/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { stageAt } from '@trikd/core/stages/stages-of';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { describe, expect, test } from 'vitest';
import { digestsOf, runParams, stageInputs } from './stage-inputs.js';

describe('run params', () => {
  const model = { kind: 'plain-cnn' as const, channels: [4] };
  const spec = (name: string) =>
    RunSpec.parse({ name, method: 'ce', data: { kind: 'synthetic' }, epochs: 1, student: { model } });

  /** Why a run of one owner gets no params of a run of another one, which has not ended yet. */
  async function refusal(owner: Owner | undefined, other: Owner | undefined): Promise<string> {
    const store = memoryStore();
    await createRun(store, spec('mine'), owner && { owner });
    await createRun(store, spec('theirs'), other && { owner: other });
    const user = { runId: 'mine', model: spec('mine').student!.model };
    const error: unknown = await runParams(store, { kind: 'run', run: 'theirs', at: 'best' }, user).catch((e) => e);
    return error instanceof Error ? error.message : 'none';
  }

  const ABSENT = 'run theirs, best: the store has no such run';
  const SEEN = 'run theirs, best: none of its stages has ended yet';
  const [ann, bob] = [{ subject: 'ann' }, { subject: 'bob' }];

  test.each<[Owner | undefined, Owner | undefined, string]>([
    [ann, ann, SEEN],
    [{ ...ann, team: 'vision' }, { ...bob, team: 'vision' }, SEEN],
    [undefined, undefined, SEEN],
    [ann, bob, ABSENT],
    [{ ...ann, team: 'vision' }, { ...bob, team: 'speech' }, ABSENT],
    [ann, undefined, ABSENT],
  ])('a run of %j that names one of %j: %s', async (owner, other, message) => {
    expect(await refusal(owner, other)).toBe(message);
  });
});

describe('stage inputs', () => {
  const digest = (letter: string) => letter.repeat(64);
  const blobOf = (letter: string) => ({ key: `blobs/${letter}`, sha256: digest(letter), bytes: 4 });
  const model = { kind: 'plain-cnn', channels: [4] };
  const objective = [{ kind: 'task' }, { kind: 'distillation', from: 'mentor' }];
  const settings = { name: 'trial', data: { kind: 'synthetic' }, epochs: 2 };
  const spec = RunSpec.parse({
    ...settings,
    stages: [
      { name: 'first', learners: { teacher: { model } } },
      {
        name: 'second',
        learners: { student: { model, objective, init: { stage: 'first', participant: 'teacher', at: 'last' } } },
        frozen: { mentor: { stage: 'first', participant: 'teacher' } },
      },
    ],
  });
  const manifest = {
    ...({ version: MANIFEST_VERSION, runId: 'trial', stage: 0, attempt: 1, step: 4 } as const),
    ...{ specDigest: digest('a'), datasetDigest: digest('b'), frozen: {}, writer: 'test' },
    learners: { teacher: { state: blobOf('c') } },
  };
  const validation = { metrics: { accuracy: 0.5, nll: 1 }, examples: 8 };
  const result: StageResult = {
    ...{ stage: 0, steps: 4, promoted: false, pair: { step: 4, manifestKey: manifestKey(manifest) } },
    learners: { teacher: { best: { step: 2, validation, params: blobOf('d') }, stateSha256: digest('c') } },
  };

  async function storeWith(...manifests: readonly (typeof manifest)[]) {
    const store = memoryStore();
    for (const each of manifests) await store.create(manifestKey(each), encodeManifest(each));
    return store;
  }

  test('a stage starts from the best params and from the last state of earlier learners', async () => {
    const stage = stageAt(spec, 1, false);
    const inputs = await stageInputs({ spec, store: await storeWith(manifest) }, stage, { results: [result] });
    expect(inputs).toEqual({ mentor: blobOf('d'), student: blobOf('c') });
    expect(digestsOf(inputs, stage, {})).toEqual({ mentor: digest('d') });
  });

  test('a first stage starts from nothing', async () => {
    const stage = stageAt(spec, 0, false);
    expect(await stageInputs({ spec, store: await storeWith() }, stage, { results: [] })).toEqual({});
  });

  test('a generation after a promotion starts with the student that was promoted', async () => {
    const pair = { student: { model }, teacher: { model } };
    const trikd = RunSpec.parse({ ...settings, ...pair });
    const anchor = { stage: 0, params: blobOf('e') };
    const stage = stageAt(trikd, 1, true);
    const inputs = await stageInputs({ spec: trikd, store: await storeWith() }, stage, { results: [result], anchor });
    expect(inputs).toEqual({ anchor: blobOf('e') });
  });

  test.each([
    ['the result', { results: [] }],
    ['the learner', { results: [{ ...result, learners: {} }] }],
    ['the manifest', { results: [result] }],
  ])('a stage whose past lacks %s does not start', async (_what, past) => {
    const work = stageInputs({ spec, store: await storeWith() }, stageAt(spec, 1, false), past);
    await expect(work).rejects.toMatchObject({ kind: 'corrupt' });
  });
});
