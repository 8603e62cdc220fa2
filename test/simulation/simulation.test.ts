import { describe, expect, test } from 'vitest';
import { sentence, simulateSeeds, summary } from './campaign.js';
import { JOBSET_MUTATIONS } from './jobset-mutations.js';
import { MUTATIONS } from './mutations.js';
import { QUEUE_MUTATIONS } from './queue-mutations.js';

/** `make simulate` runs 10,000, or as many as it is asked for. */
const SEEDS = 1000;
const MINUTES = 60_000;

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
    const scenes = { many, jobsets };
    const { failed, outcomes } = await simulateSeeds({ seeds: 200, workers: 1, mutation, ...scenes, failures: 1 });
    console.log(`${mutation}: ${failed.map(({ seed, failure }) => `seed ${seed}, ${failure}`)}`);
    expect(failed, `not within ${outcomes.length} seeds`).toHaveLength(1);
  });
});
