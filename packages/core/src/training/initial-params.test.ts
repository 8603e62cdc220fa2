import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { lonePorts, memoryBlobs } from '@trikd/testing/training/lone-ports';
import { expect, test } from 'vitest';
import type { Blob, RoleCheckpoint } from '../domain/role-checkpoint.js';
import { stageAt } from '../stages/stages-of.js';
import { trainStage } from './trainer.js';

const spec = specFor('tiny, student alone');
const dataset = datasetFor(spec);
const blobs = memoryBlobs();

/** Trains a fresh learner, or one from params of another. The checkpoint at its end. */
async function trained(init?: Blob, of = spec, { ports, events } = lonePorts(blobs)): Promise<RoleCheckpoint> {
  const attempt = { runId: spec.name, stage: 0, attempt: 1 };
  const start = { role: 'student' as const, spec: of, stage: stageAt(of, 0, false), attempt, startStep: 0 };
  await trainStage({ ...start, ...(init && { init: await blobs.load(init) }) }, dataset, ports);
  const last = events.findLast((event) => event.kind === 'checkpoint');
  if (last?.kind !== 'checkpoint') throw new TypeError('nothing was saved');
  return last.checkpoint;
}

test('a learner starts from the params that it is given', async () => {
  const before = await blobs.load((await trained()).best!.params);
  const init = await blobs.save(before);
  // With such a learning rate no param moves.
  const still = specFor('tiny, student alone', { student: { learningRate: 1e-12 } });
  const [from, fresh] = [await trained(init, still), await trained(undefined, still)];
  const kernelOf = async ({ state }: RoleCheckpoint) => (await blobs.load(state)).get('conv0/kernel')!.data;
  expect(await kernelOf(from)).toEqual(before.get('conv0/kernel')!.data);
  expect(await kernelOf(fresh)).not.toEqual(before.get('conv0/kernel')!.data);
});

test('the optimizer of a learner with initial params starts afresh', async () => {
  const { state, best } = await trained();
  // The same params with and without the slots of the optimizer that trained them: what is in the slots makes no difference.
  const whole = await blobs.load(state);
  const params = await blobs.save(new Map([...whole].filter(([name]) => !name.endsWith('/momentum'))));
  expect(whole.size).toBeGreaterThan((await blobs.load(best!.params)).size);
  expect((await trained(state)).state).toEqual((await trained(params)).state);
});

test('initial params that are not those of the model are refused before a step', async () => {
  const { best } = await trained();
  const { 'classifier/kernel': _missing, ...rest } = Object.fromEntries(await blobs.load(best!.params));
  const other = await blobs.save(new Map(Object.entries(rest)));
  const lone = lonePorts(blobs);
  await expect(trained(other, spec, lone)).rejects.toMatchObject({
    kind: 'invalid',
    message: 'initial params do not fit the model: 1 missing (classifier/kernel)',
  });
  expect(lone.events).toEqual([]);
});
