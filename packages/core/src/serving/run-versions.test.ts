import { specFor } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import type { AnchorMove, StageResult } from '../run/state.js';
import type { AnchorPointer } from '../run/stored/anchor-pointer.js';
import { type RunFacts, runVersions, servedLearners } from './run-versions.js';

const spec = specFor('three stages');
const blob = (name: string) => ({ key: `runs/trial/${name}`, sha256: name.padEnd(64, '0'), bytes: 4 });

const result = (stage: number, accuracy: number): StageResult => {
  const of = (name: string) => ({
    best: {
      step: 1,
      validation: { metrics: { accuracy, nll: 1 }, examples: 100 },
      params: blob(`${name}${stage}`),
    },
    stateSha256: '0'.repeat(64),
  });
  const learners = { student: of('a'), teacher: of('b') };
  const pair = { step: 1, manifestKey: 'none' };
  return { stage, steps: 1, learners, candidate: 'student', promoted: stage < 2, pair };
};

const pointer = (stage: number): AnchorPointer => {
  const params = blob(`a${stage}`);
  return { version: 2, stage, params, newest: stage, rollbacks: 0, moves: 1, term: 1 };
};

const facts = (changes: Partial<RunFacts['state']>, at?: number): RunFacts => {
  const state = { phase: 'training', results: [], moves: [], ...changes } as const;
  return { spec, state, pointer: at === undefined ? undefined : pointer(at) };
};

const results = [result(0, 0.7), result(1, 0.8), result(2, 0.9)];
const currentOf = (...args: Parameters<typeof facts>) => runVersions(facts(...args), 'student').current?.stage;

test('the learner of the result comes first', () => {
  expect(servedLearners(spec)).toEqual(['student', 'teacher']);
});

test('versions are the stages that have ended', () => {
  const { all, current } = runVersions(facts({ results }, 0), 'teacher');
  expect(all.map(({ stage, params }) => `${stage} ${params.key}`)).toEqual(
    [0, 1, 2].map((n) => `${n} runs/trial/b${n}`),
  );
  expect(current?.stage).toBe(0);
  expect(runVersions(facts({}), 'student')).toEqual({ all: [], current: undefined });
});

test('while a run trains, its anchor is served, and its best generation before there is one', () => {
  expect(currentOf({ results }, 1)).toBe(1);
  expect(currentOf({ results: results.slice(0, 1) })).toBe(0);
});

test('a run that is complete serves its result, unless a person has moved the anchor last', () => {
  const moves = (by: AnchorMove['by']): AnchorMove[] => [{ by, to: 0, during: 2 }];
  expect(currentOf({ phase: 'completed', results, moves: moves('rule') }, 1)).toBe(2);
  expect(currentOf({ phase: 'completed', results, moves: moves('rollback') }, 0)).toBe(0);
});
