import { RUNS } from '@trikd/testing/kubernetes/installation';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { describe, expect, test } from 'vitest';
import { get } from './kubernetes.js';
import { completed, createRun, stepsOf, until } from './orchestrator.js';
import { outcomeHere, outcomeOf, promotionsOf } from './outcome.js';
import { lastingSpec } from './specs.js';
import { deletePod, jobSetOf, podsOf, survives } from './struck-run.js';

/** What the test reads of a Workload of Kueue. */
interface Workload {
  readonly metadata: { readonly ownerReferences: readonly { readonly name: string }[] };
  readonly spec: { readonly podSets: readonly { readonly name: string; readonly count: number }[] };
  readonly status: { readonly conditions: readonly { readonly type: string; readonly status: string }[] };
}

const inRuns = `--namespace=${RUNS}`;

const withReplicas = ({ student, ...spec }: WrittenSpec): WrittenSpec => ({
  ...spec,
  ...(student && { student: { ...student, replicas: 2 } }),
});
/** Its stages last longer than a replica trains on whose process is asked to exit. */
const lasting = (spec: WrittenSpec): WrittenSpec => ({ ...withReplicas(spec), epochs: 150 });

async function workloadOf(jobSet: string): Promise<Workload | undefined> {
  const { items } = await get<{ readonly items: readonly Workload[] }>('workloads', inRuns);
  return items.find(({ metadata }) => metadata.ownerReferences.some(({ name }) => name === jobSet));
}

describe('a run whose student has two replicas', () => {
  test('has a pod for each in one workload, and ends with the digests of `trikd run`', async () => {
    const spec = withReplicas(lastingSpec('replicas', 30));
    const { name } = spec;
    await createRun(spec);
    await until(name, (run) => stepsOf(run) > 0);
    const jobSet = await jobSetOf(name);
    // Without the suffixes that Kubernetes adds.
    const pods = (await podsOf(name)).map(({ metadata }) => metadata.name.slice(jobSet.length, -'-12345'.length));
    expect(pods.sort()).toEqual(['-anchor-0-0', '-student-0-0', '-student-0-1', '-teacher-0-0']);
    const { spec: admitted, status } = (await workloadOf(jobSet))!;
    expect(Object.fromEntries(admitted.podSets.map((set) => [set.name, set.count]))).toEqual({
      ...{ anchor: 1, student: 2, teacher: 1 },
    });
    expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Admitted', status: 'True' }));
    const run = await until(name, completed);
    expect(outcomeOf(run)).toEqual(await outcomeHere(spec));
    expect(promotionsOf(run)).toEqual([0, 1]);
  });

  test.each([
    ['deleted', false],
    ['deleted by force', true],
  ])('has the same digests when the pod of replica 1 is %s', async (how, force) => {
    const strike: Parameters<typeof survives>[1] = async (run) => {
      const replica = await run.pod('student', 1);
      const first = await run.pod('student');
      const named = until(run.name, ({ conditions }) =>
        conditions.some(({ message }) => message.includes('replica 1 of the student')),
      );
      const [seconds] = await Promise.all([deletePod(run, replica, force), named]);
      console.log(`the next step ${seconds.toFixed(1)} s after the pod of replica 1 was ${how}`);
      expect((await run.pod('student', 1)).metadata.uid).not.toBe(replica.metadata.uid);
      expect((await run.pod('student')).metadata.uid).toBe(first.metadata.uid);
    };
    await survives(`replica-${force ? 'killed' : 'deleted'}`, strike, lasting);
  });
});
