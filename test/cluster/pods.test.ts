import { RUNS } from '@trikd/testing/kubernetes/installation';
import { describe, test } from 'vitest';
import { get, kubectl } from './kubernetes.js';
import { exhaustMemory } from './memory.js';
import { deletePod, type Pod, type PodRole, survives, untilTrue } from './struck-run.js';

const inRuns = `--namespace=${RUNS}`;

describe('no bit changes, and no generation is promoted twice, when', () => {
  test.each<[PodRole, boolean]>([
    ['teacher', false],
    ['student', true],
    ['anchor', true],
  ])('the pod of the %s is deleted (by force: %s)', async (role, force) => {
    await survives(`deleted-${role}`, async (run) => {
      const seconds = await deletePod(run, await run.pod(role), force);
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
