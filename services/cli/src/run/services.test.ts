import { expect, test } from 'vitest';
import { type FurtherReplicas, startTrio } from './services.js';

/** Starts a trio of names, and says what each service was started with, in order. */
async function started(replicas?: FurtherReplicas) {
  const settingsOf = new Map<string, object>();
  const start = async (name: string, settings: object, place?: string) => {
    const address = place === undefined ? name : `${name}/${place}`;
    settingsOf.set(address, settings);
    return { address };
  };
  return { ...(await startTrio(start, replicas)), settingsOf };
}

test('a trainer is started after the processes of its further replicas, with their addresses by rank', async () => {
  const { further, settingsOf } = await started({ teacher: 0, student: 2 });
  expect([...settingsOf]).toEqual([
    ['student-trainer/replica-1', {}],
    ['student-trainer/replica-2', {}],
    ['anchor-server', {}],
    ['teacher-trainer', {}],
    ['student-trainer', { replicas: ['student-trainer/replica-1', 'student-trainer/replica-2'] }],
  ]);
  expect(further.map(({ address }) => address)).toEqual(['student-trainer/replica-1', 'student-trainer/replica-2']);
});

test('a trio without further replicas is three services', async () => {
  const { trio, further, settingsOf } = await started();
  expect(settingsOf).toEqual(new Map(Object.values(trio).map(({ address }) => [address, {}])));
  expect(further).toEqual([]);
});
