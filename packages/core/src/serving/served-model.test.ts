import { datasetFor } from '@trikd/testing/specs/spec-for';
import { randomModel } from '@trikd/testing/training/random-model';
import { expect, test } from 'vitest';
import { RunSpec } from '../spec/run-spec.js';
import { traceServed } from '../training/role-program.js';
import { batchSizes, openServed } from './served-model.js';

const data = { kind: 'synthetic', classes: 5, train: 64, validation: 24, test: 20, height: 8, width: 7 } as const;

test('sizes of batches are powers of two, the largest one, and that of an evaluation', () => {
  expect(batchSizes(12, { batchSize: 50 })).toEqual([1, 2, 4, 8, 12, 50]);
  expect(batchSizes(1, { batchSize: 1 })).toEqual([1]);
});

test('a row has the output of an evaluation in a batch of any size, at any place, beside any others, and while others are computed', async () => {
  const model = { kind: 'plain-cnn' as const, channels: [4, 6], hidden: [7] };
  const { params, images, outputs } = await randomModel({ model, data });
  const spec = RunSpec.parse({
    ...{ name: 'random', method: 'ce', data, batchSize: 32, epochs: 1, warmupSteps: 0 },
    student: { model },
    engine: { threads: 2 },
  });
  const dataset = datasetFor(spec);
  const sizes = batchSizes(8, spec);
  const program = traceServed({ spec, dataset }, spec.student!.model, sizes);
  const served = await openServed({ program, sizes, spec, shape: dataset, params });
  try {
    expect(served.output).toEqual({ name: 'logits', columns: 5 });
    const rowOf = (row: number) => outputs.subarray(5 * row, 5 * row + 5);
    /** Bit for bit where the processor allows it. */
    const expectEqual = (found: Float32Array, wanted: Float32Array) => {
      if (served.isExact) expect(found).toEqual(wanted);
      expect(found.length).toBe(wanted.length);
      for (const [i, value] of found.entries()) expect(Math.abs(value - wanted[i]!)).toBeLessThan(1e-5);
    };
    for (const rows of [1, 2, 3, 5, 8]) {
      const floats = Float32Array.from(images);
      const [mine, theirs] = await served.lane([
        { input: images, first: 20 - rows, rows },
        ...(rows < 8 ? [{ input: floats, first: 3, rows: 1 }] : []),
      ]);
      for (let row = 0; row < rows; row++) {
        expectEqual(mine!.values.subarray(5 * row, 5 * row + 5), rowOf(20 - rows + row));
      }
      if (theirs) expectEqual(theirs.values, rowOf(3));
    }
    const batches = await Promise.all(
      [3, 8, 8, 1, 8].map((rows, first) => served.lane([{ input: images, first, rows }])),
    );
    for (const [first, [batch]] of batches.entries()) {
      expectEqual(batch!.values, outputs.subarray(5 * first, 5 * first + batch!.values.length));
    }
  } finally {
    await served.close();
  }
});
