import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { describe, expect, test } from 'vitest';
import { makeBatch } from '../data/batch.js';
import type { Params } from '../models/params.js';
import { openAnchor } from './anchor.js';
import { traceAnchor } from './role-program.js';

const spec = specFor('tiny');
const dataset = datasetFor(spec);
const program = traceAnchor({ spec, dataset, generation: 1 });
const params: Params = new Map(
  [...program.variables].map(([name, { shape, initial }]) => [
    name,
    { dtype: 'float32' as const, shape, data: initial },
  ]),
);
const attempt = { runId: 'tiny', generation: 1, attempt: 3 };

describe('an anchor', () => {
  test('has params alone, and nothing in its program writes them', () => {
    expect([...program.variables.values()].map(({ kind }) => kind)).toEqual(
      Array(program.variables.size).fill('param'),
    );
    expect([...program.functions.values()].map(({ targets }) => targets)).toEqual([[]]);
    expect(program.ports.size).toBe(0);
  });

  test('answers a step with the same bits whenever and in whatever order it is asked', async () => {
    const anchor = await openAnchor(spec, dataset, params, attempt);
    const first = await anchor.logits(5);
    await anchor.logits(2);
    await anchor.evaluate('validation');
    expect(await anchor.logits(5)).toEqual(first);
    await anchor.close();
    const other = await openAnchor(spec, dataset, params, attempt);
    expect(await other.logits(5)).toEqual(first);
    await other.close();
  });

  test('answers with the position and the batch of the step', async () => {
    const anchor = await openAnchor(spec, dataset, params, attempt);
    const frame = await anchor.logits(7);
    expect(frame.position).toEqual({ ...attempt, step: 7 });
    expect(frame.batchDigest).toBe(makeBatch(dataset, spec, 1, 7).digest);
    expect(frame.logits).toMatchObject({ rows: 16, cols: 4 });
    await anchor.close();
  });

  test('refuses params that are not those of the student', async () => {
    const { 'conv0/kernel': _missing, ...rest } = Object.fromEntries(params);
    await expect(openAnchor(spec, dataset, new Map(Object.entries(rest)), attempt)).rejects.toMatchObject({
      kind: 'invalid',
      message: 'params of the anchor do not fit the model: 1 missing (conv0/kernel)',
    });
  });
});
