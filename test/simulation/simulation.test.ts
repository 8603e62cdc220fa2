import { describe, expect, test } from 'vitest';
import { type Campaign, sentence, simulateSeeds, summary } from './campaign.js';
import { JOBSET_MUTATIONS } from './jobset-mutations.js';
import { MUTATIONS } from './mutations.js';
import { QUEUE_MUTATIONS } from './queue-mutations.js';

/** `make simulate` runs 10,000, or as many as it is asked for. */
const SEEDS = 400;
const MINUTES = 60_000;

/** A planted bug must be found within so many seeds. */
const ENOUGH = 200;

/** Seeds that find bugs which few others find. They are tried first; when the simulation draws otherwise, all seeds are. */
const LATE: Readonly<Record<string, number>> = {
  'a learner trains on without a replica that is lost': 98,
  'a learner that goes on from an earlier stage starts afresh': 32,
  "two frozen models have each other's params": 32,
  'a leader does not look for JobSets that others have left': 12,
  'a run is preempted although none may be': 11,
  'quotas do not count': 11,
  'priorities do not count': 6,
  'who came last is served first': 6,
};

/** The first seed that finds a bug, and how many were tried. */
async function seedThatFinds(bug: Pick<Campaign, 'mutation' | 'many' | 'jobsets'>) {
  const tried = async (first: number, seeds: number) => {
    const { failed, outcomes } = await simulateSeeds({ ...bug, first, seeds, workers: 1, failures: 1 });
    return { failed: failed[0], seeds: outcomes.length };
  };
  const likely = LATE[bug.mutation ?? ''];
  const found = likely === undefined ? undefined : await tried(likely, 1);
  return found?.failed ? found : tried(0, ENOUGH);
}

describe('the whole system in virtual time', () => {
  test(`ends with the results of one process, for ${SEEDS} seeds of faults`, { timeout: 20 * MINUTES }, async () => {
    const figures = await simulateSeeds({ seeds: SEEDS });
    console.log(summary(figures));
    expect(figures.failed.map(sentence)).toEqual([]);
    expect(figures.outcomes.filter(({ finished }) => finished)).toHaveLength(SEEDS);
  });

  test('repeats a seed exactly, in another order and on another event loop', {
    timeout: 3 * MINUTES,
  }, async () => {
    const digests = async (options: { readonly workers: number; readonly slow?: boolean }) => {
      const { outcomes } = await simulateSeeds({ first: 500, seeds: 40, ...options });
      return outcomes.map(({ seed, digest }) => `${seed} ${digest}`).sort();
    };
    expect(await digests({ workers: 1, slow: true })).toEqual(await digests({ workers: 2 }));
  });

  const planted = [
    ...Object.keys(MUTATIONS).map((mutation) => ({ mutation, many: false, jobsets: false })),
    ...Object.keys(QUEUE_MUTATIONS).map((mutation) => ({ mutation, many: true, jobsets: false })),
    ...Object.keys(JOBSET_MUTATIONS).map((mutation) => ({ mutation, many: true, jobsets: true })),
  ];
  test.concurrent.each(planted)('finds $mutation', { timeout: 3 * MINUTES }, async ({ mutation, many, jobsets }) => {
    const { failed, seeds } = await seedThatFinds({ mutation, many, jobsets });
    console.log(`${mutation}: seed ${failed?.seed}, ${failed?.failure}`);
    expect(failed, `not within ${seeds} seeds`).toBeDefined();
  });
});
