import type { TrainedRole } from '@trikd/core/domain/position';
import type { Owner, PlacementRequest } from '@trikd/core/run/placement';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { mostReplicas } from '@trikd/core/stages/stages-of';
import { OPEN_QUEUE, type QueueSettings } from '../../services/orchestrator/src/leadership/run-queue.js';
import type { Chance } from './chance.js';
import { type Oracle, oracleOf } from './oracle.js';

/** A run that somebody wants. */
export interface WantedRun {
  readonly oracle: Oracle;
  readonly spec: RunSpec;
  readonly placement: PlacementRequest;
  readonly owner?: Owner;
  /** Milliseconds from the beginning until it is created. */
  readonly after: number;
}

/** What is simulated: who wants what, and what there is for it. */
export interface Scene {
  readonly runs: readonly WantedRun[];
  readonly trios: number;
  /** Processes of a trio for further replicas of the learners in each slot; a JobSet has those of its run. */
  readonly replicas: Readonly<Record<TrainedRole, number>>;
  /** Each run gets a JobSet of a cluster, of which `trios` run at once. `kueue`: the cluster sees to that, else the orchestrator. */
  readonly cluster?: { readonly kueue: boolean };
  readonly queue: QueueSettings;
  /** Whether nothing is disturbed: then the order of the queue is exact. */
  readonly calm: boolean;
  /** Whether somebody pauses, resumes and triggers the first run. */
  readonly meddled: boolean;
}

const QUOTA = 1;
const OWNERS: readonly (Owner | undefined)[] = [
  undefined,
  { subject: 'ada', team: 'vision' },
  { subject: 'ben', team: 'vision' },
  { subject: 'cyd' },
];

/**
 * @param many whether several runs share some trios; otherwise one run has one
 * @param jobsets whether the trios are JobSets of a cluster
 */
export async function drawScene(chance: Chance, many: boolean, jobsets: boolean): Promise<Scene> {
  const meddled = chance.happens(0.3);
  const advance = meddled ? chance.pick(['automatic', 'manual'] as const) : 'automatic';
  const calm = many && chance.happens(0.3);
  // Many wait where nothing is disturbed: there the order counts.
  const count = many ? (calm ? 5 : 2) + chance.below(4) : 1;
  const latest = calm ? 0 : 30_000;
  const drawn = Array.from({ length: count }, () => ({
    number: chance.below(1 << 16),
    priority: many ? chance.pick([-1, 0, 0, 0, 5]) : 0,
    owner: many ? chance.pick(OWNERS) : undefined,
    after: many ? chance.pick([0, chance.between(0, 3000), chance.between(0, latest)]) : 0,
  }));
  const oracles = await Promise.all(drawn.map(({ number }) => oracleOf(number)));
  const runs = drawn.map(({ priority, owner, after }, index): WantedRun => {
    const oracle = oracles[index]!;
    // The time at which a stage begins does not change its results, and neither does the name of the run.
    const curriculum = { ...oracle.spec.curriculum, ...(index === 0 && { advance }) };
    const spec = { ...oracle.spec, name: many ? `run-${index + 1}` : oracle.spec.name, curriculum };
    return { oracle, spec, placement: { priority }, after, ...(owner && { owner }) };
  });
  const quotas = many && chance.happens(0.5);
  const preemption = many ? chance.pick(['never', 'lower-priority'] as const) : 'never';
  /** As many as a learner has, or fewer. */
  const furtherOf = (role: TrainedRole) => {
    const most = Math.max(...runs.map(({ spec }) => mostReplicas(spec)[role]));
    return chance.happens(0.7) ? most - 1 : chance.below(most);
  };
  return {
    ...{ runs, meddled, calm, replicas: { teacher: furtherOf('teacher'), student: furtherOf('student') } },
    ...(jobsets && { cluster: { kueue: chance.happens(0.5) } }),
    trios: many ? 1 + chance.below(calm ? 2 : 3) : 1,
    queue: { ...OPEN_QUEUE, preemption, quotaOf: () => (quotas ? QUOTA : undefined) },
  };
}
