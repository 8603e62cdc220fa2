import { describe, expect, test } from 'vitest';
import { type StoredRun, storedRun } from '../checkpoint/testing/stored-run.js';
import type { Choice } from './command.js';
import { exportSubject } from './subject.js';

async function chosen(choice: Partial<Choice>) {
  const run = await storedRun();
  const { stage, learner, params, step } = await exportSubject(run, { params: 'best', ...choice });
  return { run, subject: [stage, learner, step, params.key] as const };
}

const bestOf = (run: StoredRun, learner: string) => run.state.results[0]!.learners[learner]!.best.params.key;

describe('what is exported', () => {
  test('is the student of the best generation, with the scores that the run recorded', async () => {
    const { run, subject } = await chosen({});
    expect(subject).toEqual([0, 'student', 4, bestOf(run, 'student')]);
    const { scores } = await exportSubject(run, { params: 'best' });
    expect(scores).toEqual({ validation: { metrics: { accuracy: 0.8, nll: 0.5 }, examples: 400 } });
  });

  test('is another participant where one is named', async () => {
    const { run, subject } = await chosen({ participant: 'teacher' });
    expect(subject).toEqual([0, 'teacher', 4, bestOf(run, 'teacher')]);
  });

  test('is the last step of the stage where that is asked for', async () => {
    const { run, subject } = await chosen({ params: 'last', stage: '0' });
    expect(subject).toEqual([0, 'student', 8, run.manifests.last.learners['student']!.state.key]);
  });

  test('is the newest checkpoint of a stage that has not ended, by its name or its index', async () => {
    const { run, subject } = await chosen({ stage: 'generation-1' });
    expect(subject).toEqual([1, 'student', 4, run.manifests.newest.learners['student']!.best!.params.key]);
    expect((await chosen({ stage: '1', params: 'last' })).subject.slice(0, 3)).toEqual([1, 'student', 8]);
  });

  test.each<[string, Partial<Choice>, RegExp]>([
    [
      'a stage of another name',
      { stage: 'generation-11' },
      /^run r has no stage generation-11; did you mean generation-1/,
    ],
    ['a stage beyond the last', { stage: '99' }, /^run r has \d+ stages, there is none of index 99$/],
    ['a stage that has not begun', { stage: '2' }, /^run r has no checkpoint of stage generation-2 yet$/],
    ['an unknown participant', { participant: 'studnet' }, /^run r has no learner studnet; did you mean student\?$/],
    [
      'params that were not validated',
      { stage: '1', participant: 'teacher' },
      /^teacher was not validated before 1\/8-2; --params last takes its state$/,
    ],
  ])('is not %s, and why is said', async (_what, choice, message) => {
    await expect(chosen(choice)).rejects.toMatchObject({
      kind: 'not-found',
      message: expect.stringMatching(message),
    });
  });
});
