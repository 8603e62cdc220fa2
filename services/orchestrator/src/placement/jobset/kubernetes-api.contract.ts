import { expect, test } from 'vitest';
import { claimOf } from '../placement.contract.js';
import type { Change, KubernetesApi } from './kubernetes-api.js';
import type { JobSet } from './objects.js';
import { claimIn, nameOf } from './objects.js';
import { jobSetOf } from './template.js';
import { template } from './testing/template.js';

/** Of the JobSets that the tests make. */
export const NAMESPACE = 'runs';

/**
 * What every API server does. Each test has an instance of its own.
 * @param open the API of an instance
 */
export function kubernetesApiContract(open: (instance: string) => KubernetesApi): void {
  let instances = 0;
  const instance = () => {
    instances += 1;
    const name = `contract-${instances}`;
    const api = open(name);
    const make = (runId: string, number = 1) =>
      api.create(
        jobSetOf(template, claimOf(runId, number), { namespace: NAMESPACE, instance: name, priorityClasses: [] }),
      );
    return { api, make, name, nameFor: (runId: string) => nameOf({ runId, number: 1 }, name) };
  };
  const made = (jobSet: JobSet | 'exists'): JobSet => (jobSet === 'exists' ? expect.unreachable() : jobSet);

  test('a JobSet is created once, and found with the claim that it was made for', async () => {
    const { api, make, name, nameFor } = instance();
    const { metadata } = made(await make('a'));
    expect(await make('a')).toBe('exists');
    const found = await api.get(nameFor('a'));
    expect(found?.metadata).toEqual(metadata);
    expect(found && claimIn(found, name)).toEqual({ runId: 'a', number: 1, trio: nameFor('a') });
    expect(await api.get(nameFor('b'))).toBeUndefined();
  });

  test('a JobSet is deleted by its uid alone', async () => {
    const { api, make, nameFor } = instance();
    const { metadata } = made(await make('a'));
    await api.delete(nameFor('a'), '00000000-0000-0000-0000-000000000000');
    expect((await api.get(nameFor('a')))?.metadata.deletionTimestamp).toBeUndefined();
    await api.delete(nameFor('a'), metadata.uid);
    // It stays as long as its pods do.
    const after = await api.get(nameFor('a'));
    expect(after === undefined || after.metadata.deletionTimestamp !== undefined).toBe(true);
    await api.delete(nameFor('never'), metadata.uid);
  });

  test('a list has the JobSets of the instance, and no others', async () => {
    const [{ api, make, nameFor }, other] = [instance(), instance()];
    for (const runId of ['a', 'b']) await make(runId);
    await other.make('c');
    const { items } = await api.list('jobsets');
    expect(items.map(({ metadata }) => metadata.name).toSorted()).toEqual([nameFor('a'), nameFor('b')].toSorted());
    expect([(await api.list('pods')).items, (await api.list('workloads')).items]).toEqual([[], []]);
  });

  test('a watch brings what has happened since a list, and goes on from where another one was', async () => {
    const { api, make, nameFor } = instance();
    await make('a');
    const { resourceVersion } = await api.list('jobsets');
    const { metadata } = made(await make('b'));
    const [added] = await changes(api, resourceVersion, 1);
    expect(added).toMatchObject({ type: 'ADDED', object: { metadata: { name: nameFor('b') } } });
    await api.delete(nameFor('b'), metadata.uid);
    const [deleted] = await changes(api, metadata.resourceVersion, 1);
    expect(deleted?.type).toMatch(/^(MODIFIED|DELETED)$/);
  });

  test('a watch ends when it is left', async () => {
    const { api } = instance();
    const { resourceVersion } = await api.list('jobsets');
    const left = new AbortController();
    const next = api.watch('jobsets', resourceVersion, left.signal)[Symbol.asyncIterator]().next();
    left.abort(new Error('left'));
    expect((await next).done).toBe(true);
  });
}

/** The first changes after a version. */
async function changes(api: KubernetesApi, version: string, count: number): Promise<readonly Change<JobSet>[]> {
  const found: Change<JobSet>[] = [];
  const left = new AbortController();
  for await (const change of api.watch('jobsets', version, left.signal)) {
    if (change.type !== 'BOOKMARK') found.push(change);
    if (found.length === count) break;
  }
  left.abort();
  return found;
}
