import { describe, expect, test } from 'vitest';
import { kdSpec } from '../testing/results.js';
import { learnersOf } from './learners.js';
import { spec, storedRun } from './testing/stored-run.js';

const names = async (of: typeof spec, wanted: readonly string[]) => {
  const { last } = (await storedRun()).manifests;
  const { teacher } = last.learners;
  const manifest = of === spec ? last : { ...last, learners: { teacher: teacher! } };
  return learnersOf(of, manifest, '0/8-2', wanted).map(([name]) => name);
};

describe('the learners of a checkpoint', () => {
  test('are all of them, or those that are named', async () => {
    expect(await names(spec, [])).toEqual(['student', 'teacher']);
    expect(await names(spec, ['teacher'])).toEqual(['teacher']);
  });

  test('are refused by name when another stage has them', async () => {
    await expect(names(kdSpec, ['student'])).rejects.toMatchObject({
      ...{ kind: 'not-found', message: 'the checkpoint 0/8-2 has no learner student; it has teacher' },
    });
  });
});
