import { describe, expect, test } from 'vitest';
import { storedRun } from '../checkpoint/testing/stored-run.js';
import { subjectsOf } from './subjects.js';

const all = { roles: [], params: 'best' } as const;
const shown = async (wanted: string, params: 'best' | 'state' = 'best') => {
  const run = await storedRun();
  const subjects = await subjectsOf(run, { ...all, wanted, params });
  return { run, subjects: subjects.map(({ role, what, blob }) => [role, what, blob.key] as const) };
};

describe('what is scored', () => {
  test('is the result of the run: both models of its best generation, with the scores that are recorded', async () => {
    const run = await storedRun();
    const subjects = await subjectsOf(run, { ...all, wanted: 'result' });
    const { student, teacher } = run.state.results[0]!.learners;
    expect(subjects).toMatchObject([
      { role: 'student', blob: student?.best.params, recorded: { validation: { metrics: { accuracy: 0.8 } } } },
      { role: 'teacher', blob: teacher?.best.params, recorded: { validation: { metrics: { accuracy: 0.9 } } } },
    ]);
  });

  test('is the anchor that the pointer names', async () => {
    const { run, subjects } = await shown('anchor');
    const key = run.state.results[0]?.learners['student']?.best.params.key;
    expect(subjects).toEqual([['student', 'anchor, the student of generation 0', key]]);
  });

  test('are the best params of a checkpoint, or its state where it has none or where that is asked for', async () => {
    const { run, subjects } = await shown('latest');
    const { student, teacher } = run.manifests.newest.learners;
    expect(subjects).toEqual([
      ['student', 'best params at 1/8-2, of step 4', student?.best?.params.key],
      ['teacher', 'state at 1/8-2', teacher?.state.key],
    ]);
    expect((await shown('latest', 'state')).subjects[0]).toEqual(['student', 'state at 1/8-2', student?.state.key]);
  });

  test('is the learners that are named, and a name that no learner has is refused with the nearest one', async () => {
    const run = await storedRun();
    const named = (roles: readonly string[]) => subjectsOf(run, { ...all, roles, wanted: 'result' });
    expect(await named(['teacher'])).toMatchObject([{ role: 'teacher' }]);
    await expect(named(['studnet'])).rejects.toMatchObject({
      ...{ kind: 'not-found', message: 'run r has no learner studnet; did you mean student?' },
    });
    await expect(named(['oracle'])).rejects.toMatchObject({
      message: 'run r has no learner oracle; it has student, teacher',
    });
  });

  test('is not there: that is said with what there is', async () => {
    await expect(shown('7/7')).rejects.toMatchObject({
      kind: 'not-found',
      message: expect.stringMatching(/it has 1\/8/),
    });
  });
});
