import { readFileSync } from 'node:fs';
import { LossSpec } from '@trikd/core/losses/registry';
import { openLosses } from '@trikd/testing/training/open-losses';
import { describe, expect, test } from 'vitest';

/** The JSON of the script that made the numbers. */
interface Golden {
  readonly cases: Readonly<Record<string, Case>>;
  readonly losses: readonly { readonly spec: object; readonly results: Readonly<Record<string, Result>> }[];
}

interface Case {
  readonly temperature: number;
  readonly labels: readonly number[];
  readonly classes: number;
  /** Row after row. */
  readonly logits: readonly number[];
  readonly target: readonly number[];
}

interface Result {
  readonly value: number;
  readonly gradient: readonly number[];
}

const file = new URL('./distillation_losses.json', import.meta.url);
const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden;
const specs = golden.losses.map(({ spec }) => LossSpec.parse(spec));

/** Every loss of one case, computed in a graph. */
async function computed({ labels, classes, logits, target, temperature }: Case) {
  const rows = (all: readonly number[]) => labels.map((_, row) => all.slice(row * classes, (row + 1) * classes));
  const losses = await openLosses(specs, labels.length, classes);
  try {
    return await losses.compute({ logits: rows(logits), target: rows(target), labels, temperature });
  } finally {
    await losses.close();
  }
}

/** What float32 leaves of a loss that is a difference of numbers of the size of logits, times T². */
function tolerance(expected: number, { temperature }: Case): number {
  return 2e-5 * Math.abs(expected) + 4e-6 * temperature ** 2;
}

describe.each(Object.entries(golden.cases))('of %s', async (name, inputs) => {
  const results = await computed(inputs);

  describe.each(
    golden.losses.map(({ spec, results: expected }, index) => ({ spec, expected: expected[name]!, index })),
  )('$spec has', ({ expected, index }) => {
    const { value, gradient } = results[index]!;

    test('the value of the papers in double precision', () => {
      expect(Math.abs(value - expected.value)).toBeLessThanOrEqual(tolerance(expected.value, inputs));
    });

    test('the gradient of finite differences of these values', () => {
      const apart = expected.gradient.map((wanted, i) => Math.abs(gradient[i]! - wanted) / tolerance(wanted, inputs));
      expect(apart).toHaveLength(gradient.length);
      expect(Math.max(...apart)).toBeLessThanOrEqual(1);
    });
  });
});

test('every loss and every knob is in the numbers', () => {
  const knobs = (of: readonly object[]) => new Set(of.flatMap((spec) => Object.keys(spec)));
  const schemas = LossSpec.options.map(({ shape }) => shape);
  expect(new Set(specs.map(({ kind }) => kind))).toEqual(new Set(schemas.map(({ kind }) => kind.value)));
  expect(knobs(golden.losses.map(({ spec }) => spec))).toEqual(knobs(schemas));
});
