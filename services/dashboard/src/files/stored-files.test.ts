import { ListCheckpointsResponse, Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { expect, test } from 'vitest';
import { bestFiles, resultFile, stateFiles } from './stored-files.js';

const blob = (name: string) => ({ key: `runs/reef/blobs/0.1/${name}.safetensors`, sha256: name, bytes: 12 });
const best = (step: number, name: string) => ({ step, params: blob(name) });

const run = Run.fromJSON({
  runId: 'reef',
  stageCount: 3,
  bestStage: 0,
  stages: [
    {
      ...{ stage: 0, candidate: 'student' },
      learners: [
        { participant: 'student', best: best(30, 'a0') },
        { participant: 'teacher', best: best(20, 'b0') },
      ],
    },
    { stage: 1, candidate: 'student', learners: [{ participant: 'student', best: best(10, 'a1') }] },
  ],
});

test('the best params of all learners are listed, the newest stage first', () => {
  expect(bestFiles(run).map(({ stage, content, step, sha256 }) => [stage, content, step, sha256])).toEqual([
    ['Stage 1', 'Student, best params', 10, 'a1'],
    ['Stage 0', 'Student, best params', 30, 'a0'],
    ['Stage 0', 'Teacher, best params', 20, 'b0'],
  ]);
});

test('the result is the student of the best generation, saved under a name that says so', () => {
  expect(resultFile(run)).toMatchObject({
    href: '/api/runs/reef/blobs/0.1/a0.safetensors',
    file: 'reef-student-stage-0.safetensors',
  });
  expect(resultFile({ ...run, stages: [] })).toBeUndefined();
});

test('a checkpoint has the state of each learner, and one that cannot be read has none', () => {
  const list = ListCheckpointsResponse.fromJSON({
    checkpoints: [
      { stage: 1, step: 40, parts: [{ participant: 'student', state: blob('s') }] },
      { stage: 0, step: 90, problem: 'it is gone' },
    ],
  });
  expect(stateFiles(run, list)).toMatchObject([
    { content: 'Student, state', step: 40, file: 'reef-student-stage-1-step-40.safetensors' },
  ]);
});
