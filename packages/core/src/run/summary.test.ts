import { specFor } from '@trikd/testing/specs/spec-for';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { firstState, type RunState, type StageResult } from './state.js';
import { createRun } from './stored/run-store.js';
import { summaryOf } from './summary.js';

const score = (accuracy: number) => ({ metrics: { accuracy, nll: 1 }, examples: 8 });

function ended(stage: number, accuracy: number): StageResult {
  const params = { key: 'runs/trial/blobs/0.1/b', sha256: 'a'.repeat(64), bytes: 1 };
  const best = { step: 4, validation: score(accuracy), test: score(accuracy - 0.1), params };
  const learner = { best, stateSha256: 'b'.repeat(64) };
  return {
    ...{ stage, steps: 4, learners: { student: learner, teacher: learner } },
    ...{ pair: { step: 4, manifestKey: 'runs/trial/manifests/0/1/4.json' }, candidate: 'student', promoted: true },
  };
}

async function summarised(change: object, state: RunState, tags: readonly string[] = []) {
  const at = '2026-01-02T03:04:05.000Z';
  const run = await createRun(memoryStore(), specFor('bare', change), { at, owner: { subject: 'ada' } });
  return summaryOf({ ...run, state }, tags);
}

test('a summary has what a run is found and compared by', async () => {
  const state = { ...firstState, stage: 2, results: [ended(0, 0.5), ended(1, 0.75)] };
  const summary = await summarised({ seed: 7, curriculum: { generations: 3 } }, state, ['a']);
  expect(summary).toMatchObject({
    ...{
      runId: 'trial',
      phase: 'queued',
      stage: 2,
      stageName: 'generation-2',
      method: 'trikd',
      seed: 7,
      tags: ['a'],
    },
    result: { participant: 'student', stage: 1, metric: 'accuracy', validation: 0.75, test: 0.65 },
    ...{ times: { created: '2026-01-02T03:04:05.000Z' }, owner: { subject: 'ada' } },
  });
  expect(summary.networks.map(({ participant }) => participant)).toEqual(['student', 'teacher']);
});

test('a run without an ended stage has no result', async () => {
  expect(await summarised({}, firstState)).not.toHaveProperty('result');
});
