import { RUNS } from '@trikd/testing/kubernetes/installation';
import { describe, test } from 'vitest';
import { get, kubectl } from './kubernetes.js';
import { exhaustMemory } from './memory.js';
import { getRun } from './orchestrator.js';
import { type Pod, type PodRole, type StruckRun, secondsToNextStep, survives, untilTrue } from './struck-run.js';

const inRuns = `--namespace=${RUNS}`;

/** @param force without waiting for the pod to end */
async function deletePod({ name, pod }: StruckRun, role: PodRole, force: boolean): Promise<number> {
  const { metadata } = await pod(role);
  const { attempt } = await getRun(name);
  const how = force ? ['--force', '--grace-period=0'] : ['--wait=false'];
  return secondsToNextStep(name, attempt, () => kubectl('delete', 'pod', metadata.name, inRuns, ...how));
}

describe('no bit changes, and no generation is promoted twice, when', () => {
  test.each<[PodRole, boolean]>([
    ['teacher', false],
    ['student', true],
    ['anchor', true],
  ])('the pod of the %s is deleted (by force: %s)', async (role, force) => {
    await survives(`deleted-${role}`, async (run) => {
      const seconds = await deletePod(run, role, force);
      console.log(`the next step ${seconds.toFixed(1)} s after the pod of the ${role} was deleted`);
    });
  });

  test('the kernel kills a trainer that is out of memory', async () => {
    await survives('out-of-memory', async ({ pod }) => {
      const student = await pod('student');
      await exhaustMemory(student);
      await untilTrue('the container was killed', async () => {
        const [container] = (await get<Pod>('pod', student.metadata.name, inRuns)).status.containerStatuses ?? [];
        return container?.lastState.terminated?.reason === 'OOMKilled';
      });
    });
  });

  test('a node is drained', async () => {
    await survives('drained', async ({ pod }) => {
      const { nodeName } = (await pod('student')).spec;
      const how = [
        '--pod-selector=app.kubernetes.io/name=trikd',
        '--delete-emptydir-data',
        '--force',
        '--timeout=180s',
      ];
      await kubectl('drain', nodeName, ...how);
      await kubectl('uncordon', nodeName);
    });
  });

  test('its JobSet is suspended', async () => {
    await survives('suspended', async ({ jobSet }) => {
      const patch = JSON.stringify({ spec: { suspend: true } });
      await kubectl('patch', 'jobset', await jobSet(), inRuns, '--type=merge', `--patch=${patch}`);
    });
  });
});
