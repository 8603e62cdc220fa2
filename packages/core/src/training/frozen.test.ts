import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { describe, expect, test } from 'vitest';
import { makeBatch } from '../data/batch.js';
import type { Params } from '../models/params.js';
import { learnerOf } from '../stages/stage.js';
import { stageAt } from '../stages/stages-of.js';
import { openFrozen } from './frozen.js';
import { tracePredictor } from './role-program.js';

const spec = specFor('tiny');
const dataset = datasetFor(spec);
const { model } = learnerOf(stageAt(spec, 1, true), 'student');
const program = tracePredictor({ spec, dataset }, model);
const params: Params = new Map(
  [...program.variables].map(([name, { shape, initial }]) => [
    name,
    { dtype: 'float32' as const, shape, data: initial },
  ]),
);
const attempt = { runId: 'tiny', stage: 1, attempt: 3 };

describe('a frozen model', () => {
  test('has params alone, and nothing in its program writes them', () => {
    expect([...program.variables.values()].map(({ kind }) => kind)).toEqual(
      Array(program.variables.size).fill('param'),
    );
    expect([...program.functions.values()].map(({ targets }) => targets)).toEqual([[]]);
    expect(program.ports.size).toBe(0);
  });

  test('answers a step with the same bits whenever and in whatever order it is asked', async () => {
    const frozen = await openFrozen(spec, dataset, model, params, attempt);
    const first = await frozen.logits(5);
    await frozen.logits(2);
    await frozen.evaluate('validation');
    expect(await frozen.logits(5)).toEqual(first);
    await frozen.close();
    const other = await openFrozen(spec, dataset, model, params, attempt);
    expect(await other.logits(5)).toEqual(first);
    await other.close();
  });

  test('answers with the position and the batch of the step', async () => {
    const frozen = await openFrozen(spec, dataset, model, params, attempt);
    const frame = await frozen.logits(7);
    expect(frame.position).toEqual({ ...attempt, step: 7 });
    expect(frame.batchDigest).toBe(makeBatch(dataset, spec, 1, 7).digest);
    expect(frame.logits).toMatchObject({ rows: 16, cols: 4 });
    await frozen.close();
  });

  test('answers with the same bits from the whole state of a learner, slots included', async () => {
    const slots = [...params].map(([name, tensor]) => [`${name}/momentum`, tensor] as const);
    const [one, other] = await Promise.all([
      openFrozen(spec, dataset, model, params, attempt),
      openFrozen(spec, dataset, model, new Map([...params, ...slots]), attempt),
    ]);
    expect(await other.logits(5)).toEqual(await one.logits(5));
    await Promise.all([one.close(), other.close()]);
  });

  test('refuses params that are not those of the student', async () => {
    const { 'conv0/kernel': _missing, ...rest } = Object.fromEntries(params);
    await expect(openFrozen(spec, dataset, model, new Map(Object.entries(rest)), attempt)).rejects.toMatchObject({
      kind: 'invalid',
      message: 'params of the frozen model do not fit the model: 1 missing (conv0/kernel)',
    });
  });
});
