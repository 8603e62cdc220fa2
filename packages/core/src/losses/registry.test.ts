import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Scalar, softmaxCrossEntropy, type Tensor1D, type Tensor2D, tf } from '@trikd/engine';
import { openLosses } from '@trikd/testing/training/open-losses';
import { klToTarget, mean, type Rows, softmax } from '@trikd/testing/training/reference-losses';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LOSSES, LossSpec, lossValue } from './registry.js';

interface Sides {
  readonly logits: Rows;
  readonly target: Rows;
  readonly labels: readonly number[];
}

/** The value and its gradient with respect to the logits, by tfjs. */
function lossOf(spec: object | undefined, { logits, target, labels }: Sides, temperature: number) {
  return tf.tidy(() => {
    const inputs = {
      target: tf.tensor2d(target as number[][]),
      labels: tf.tensor1d([...labels], 'int32') as Tensor1D,
      temperature: tf.scalar(temperature),
      ops: { tf, softmaxCrossEntropy },
    };
    const parsed = spec && LossSpec.parse(spec);
    const f = (own: Tensor2D): Scalar => lossValue(parsed, { ...inputs, logits: own });
    const { value, grad } = tf.valueAndGrad((own) => f(own as Tensor2D))(tf.tensor2d(logits as number[][]));
    return { value: value.dataSync()[0]!, gradient: Array.from(grad.dataSync()) };
  });
}

const largest = (numbers: readonly number[]) => Math.max(...numbers.map(Math.abs));

/** Hundredths, without a bias to the ends: correlations of rows and columns that are all but constant are rounding. */
const real = (min: number, max: number) =>
  fc.noBias(fc.integer({ min: 100 * min, max: 100 * max })).map((x) => x / 100);
const logit = real(-4, 4);
const temperature = real(1, 6);
/** The same examples each time, and few: there are many losses. */
const FEW = { seed: 7, numRuns: 25 };
const sidesOf = (rows: number, classes: number) => {
  const many = { minLength: rows, maxLength: rows };
  const matrix = fc.array(fc.array(logit, { minLength: classes, maxLength: classes }), many);
  const labels = fc.array(fc.integer({ min: 0, max: classes - 1 }), many);
  return fc.record({ logits: matrix, target: matrix, labels });
};
const sides = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 2, max: 5 }))
  .chain(([rows, classes]) => sidesOf(rows, classes));

/** What float32 leaves of a loss of logits of at most 4, times T². */
const rounding = (T: number) => 2e-5 * T * T;

const kinds = LOSSES.map(({ kind }) => ({ kind }));
/** Every loss, and those of standardised logits. */
const all: readonly object[] = [
  ...kinds,
  ...LOSSES.filter(({ schema }) => 'standardise' in schema.shape).map(({ kind }) => ({ kind, standardise: true })),
];

const [many, few] = [
  [0, 1, 2, 3],
  [0, 1],
];
const row = (classes: readonly number[], largestAt: number, size: number) =>
  classes.map((c) => (c === largestAt ? size : -size));
const hard: Readonly<Record<string, Sides>> = {
  'logits of ±10,000 on both sides': {
    logits: [row(many, 0, 1e4), row(many, 1, 1e4)],
    target: [row(many, 2, 1e4), row(many, 1, 1e4)],
    labels: [3, 1],
  },
  'equal logits': { logits: [many.map(() => 3), many.map(() => 0)], target: [many, many], labels: [0, 1] },
  'equal logits of the target': {
    logits: [many, many],
    target: [many.map(() => 7), many.map(() => 0)],
    labels: [0, 1],
  },
  'equal logits on both sides': {
    logits: [many.map(() => 0.1), many.map(() => 1e4)],
    target: [many.map(() => 0.3), many.map(() => -1e4)],
    labels: [3, 0],
  },
  'a target that is certain': { logits: [many], target: [row(many, 1, 100)], labels: [1] },
  'two classes': { logits: [few, [1, -1]], target: [[2, 0], few], labels: [0, 1] },
  'two equal classes': { logits: [[1, 1]], target: [[1, 1]], labels: [0] },
  'two classes of ±10,000': { logits: [row(few, 0, 1e4)], target: [row(few, 1, 1e4)], labels: [0] },
  'one row': { logits: [[0, 1, 2]], target: [[2, 0, 1]], labels: [2] },
};
const TEMPERATURES = [0.5, 1, 20];

describe.each(all)('the loss %j', (spec) => {
  test.each(Object.entries(hard))('is finite for %s', (_name, inputs) => {
    for (const T of TEMPERATURES) {
      const { value, gradient } = lossOf(spec, inputs, T);
      expect([value, ...gradient].filter((x) => !Number.isFinite(x))).toEqual([]);
    }
  });

  test('is never negative', () => {
    fc.assert(
      fc.property(sides, temperature, (inputs, T) => {
        expect(lossOf(spec, inputs, T).value).toBeGreaterThanOrEqual(-rounding(T));
      }),
      FEW,
    );
  });

  test('has a gradient that leads along its value', () => {
    const directed = sidesOf(3, 4).chain((inputs) => fc.tuple(fc.constant(inputs), sidesOf(3, 4)));
    fc.assert(
      fc.property(directed, temperature, ([inputs, { logits: direction }], T) => {
        const moved = (by: number) => inputs.logits.map((each, i) => each.map((x, c) => x + by * direction[i]![c]!));
        const at = (by: number) => lossOf(spec, { ...inputs, logits: moved(by) }, T).value;
        const slope = (at(0.01) - at(-0.01)) / 0.02;
        const { gradient } = lossOf(spec, inputs, T);
        const along = gradient.reduce((sum, g, i) => sum + g * direction.flat()[i]!, 0);
        expect(Math.abs(along - slope)).toBeLessThanOrEqual(0.02 * Math.abs(slope) + 0.01 * T * T);
      }),
      FEW,
    );
  });

  test('takes the rows of a batch in any order', () => {
    const reversed = ({ logits, target, labels }: Sides) => ({
      logits: logits.toReversed(),
      target: target.toReversed(),
      labels: labels.toReversed(),
    });
    fc.assert(
      fc.property(sides, temperature, (inputs, T) => {
        const [there, back] = [lossOf(spec, inputs, T).value, lossOf(spec, reversed(inputs), T).value];
        expect(Math.abs(there - back)).toBeLessThanOrEqual(rounding(T));
      }),
      FEW,
    );
  });
});

test.each(Object.entries(hard))('in a graph, every loss is finite for %s', async (_name, inputs) => {
  const specs = all.map((spec) => LossSpec.parse(spec));
  const losses = await openLosses(specs, inputs.logits.length, inputs.logits[0]!.length);
  for (const temperature of TEMPERATURES) {
    const results = await losses.compute({ ...inputs, temperature });
    const finite = results.map(({ value, gradient }) => [value, ...gradient].every(Number.isFinite));
    expect(all.filter((_, index) => !finite[index])).toEqual([]);
  }
  await losses.close();
});

/** Losses with their minimum where the logits are those of the target. */
const divergent = all.filter((spec) => !/nkd|ttm/.test(JSON.stringify(spec)));

test.each(divergent)('%j is zero at the target, with no gradient', (spec) => {
  fc.assert(
    fc.property(sidesOf(4, 4), temperature, ({ logits, labels }, T) => {
      const { value, gradient } = lossOf(spec, { logits, target: logits, labels }, T);
      expect(Math.abs(value)).toBeLessThanOrEqual(rounding(T));
      expect(largest(gradient)).toBeLessThanOrEqual(rounding(T));
    }),
    FEW,
  );
});

/** Losses of probabilities. */
const ofProbabilities = all.filter((spec) => !/mse/.test(JSON.stringify(spec)));

test.each(ofProbabilities)('%j does not change when a constant is added to a row of either side', (spec) => {
  fc.assert(
    fc.property(sides, temperature, logit, ({ logits, target, labels }, T, constant) => {
      const shifted = (rows: Rows) => rows.map((each, i) => each.map((x) => x + constant * (i + 1)));
      const [plain, moved] = [
        { logits, target, labels },
        { logits: shifted(logits), target: shifted(target), labels },
      ];
      expect(Math.abs(lossOf(spec, plain, T).value - lossOf(spec, moved, T).value)).toBeLessThanOrEqual(
        3 * rounding(T),
      );
    }),
    FEW,
  );
});

test.each(all.filter((spec) => 'standardise' in spec && !/mlkd/.test(JSON.stringify(spec))))(
  '%j does not change when a row of either side is multiplied',
  (spec) => {
    const factor = real(0.5, 2);
    fc.assert(
      fc.property(sides, temperature, factor, ({ logits, target, labels }, T, by) => {
        const scaled = (rows: Rows, power: number) => rows.map((each) => each.map((x) => x * by ** power));
        const [plain, other] = [
          { logits, target, labels },
          { logits: scaled(logits, 1), target: scaled(target, -1), labels },
        ];
        expect(Math.abs(lossOf(spec, plain, T).value - lossOf(spec, other, T).value)).toBeLessThanOrEqual(rounding(T));
      }),
      FEW,
    );
  },
);

/** Two losses that are the same number. */
const equal = (
  title: string,
  left: (sides: Sides, T: number) => number,
  right: (sides: Sides, T: number) => number,
  of = sides,
) =>
  test(title, () => {
    fc.assert(
      fc.property(of, temperature, (inputs, T) => {
        expect(Math.abs(left(inputs, T) - right(inputs, T))).toBeLessThanOrEqual(2 * rounding(T));
      }),
      FEW,
    );
  });
const value = (spec: object | undefined) => (inputs: Sides, T: number) => lossOf(spec, inputs, T).value;

describe('by definition', () => {
  equal('a term without a loss has kl', value(undefined), value({ kind: 'kl' }));
  equal('kl is T² · KL(target ‖ own)', value({ kind: 'kl' }), ({ logits, target }, T) => {
    return T * T * klToTarget(target, logits, T);
  });
  equal(
    'reverse-kl is kl with its sides exchanged',
    value({ kind: 'reverse-kl' }),
    ({ logits, target, labels }, T) => lossOf({ kind: 'kl' }, { logits: target, target: logits, labels }, T).value,
  );
  equal('mse does not depend on the temperature', value({ kind: 'mse' }), (inputs) => {
    return lossOf({ kind: 'mse' }, inputs, 1).value;
  });
  equal('mse is a mean over classes', value({ kind: 'mse' }), ({ logits, target }) => {
    return mean(logits.flatMap((each, i) => each.map((x, c) => (x - target[i]![c]!) ** 2)));
  });
  equal(
    'dkd with alpha = 1 and beta = 1 - q_y is kl, for one row',
    (inputs, T) => {
      const beta = 1 - softmax(inputs.target[0]!, T)[inputs.labels[0]!]!;
      return lossOf({ kind: 'dkd', alpha: 1, beta }, inputs, T).value;
    },
    value({ kind: 'kl' }),
    sidesOf(1, 5),
  );
  equal('dkd of two classes is kl with alpha = 1', value({ kind: 'dkd' }), value({ kind: 'kl' }), sidesOf(3, 2));
  equal(
    'nkd with a target that is certain of the label is the task loss',
    ({ logits, labels }, T) => {
      const target = labels.map((label) => [0, 1, 2, 3].map((c) => (c === label ? 100 : 0)));
      return lossOf({ kind: 'nkd', gamma: 0 }, { logits, target, labels }, T).value;
    },
    ({ logits, labels }) => mean(logits.map((each, i) => -Math.log(softmax(each)[labels[i]!]!))),
    sidesOf(3, 4),
  );
  equal(
    'ttm with exponent 1 is kl with T = 1',
    value({ kind: 'ttm', exponent: 1 }),
    (inputs) => lossOf({ kind: 'kl' }, inputs, 1).value,
  );
  equal(
    'ttm has the exponent 1 / T unless it is given',
    value({ kind: 'ttm' }),
    (inputs, T) => lossOf({ kind: 'ttm', exponent: 1 / T }, inputs, 1).value,
  );
  equal('wttm with exponent 1 is ttm', value({ kind: 'wttm', exponent: 1 }), value({ kind: 'ttm', exponent: 1 }));
  equal(
    'wttm is C^(1-γ) times ttm for a target that knows nothing',
    ({ logits, labels }) => {
      return lossOf({ kind: 'wttm', exponent: 0.25 }, { logits, target: logits.map(() => [5, 5, 5, 5]), labels }, 1)
        .value;
    },
    ({ logits, labels }) => {
      const target = logits.map(() => [5, 5, 5, 5]);
      return 4 ** 0.75 * lossOf({ kind: 'ttm', exponent: 0.25 }, { logits, target, labels }, 1).value;
    },
    sidesOf(3, 4),
  );
  equal(
    'mlkd at one temperature without relations is kl',
    value({ kind: 'mlkd', scales: [1], classes: 0, batch: 0 }),
    value({ kind: 'kl' }),
  );
});

test.each([
  { kind: 'dkd', alpha: 0, beta: 1 },
  { kind: 'nkd', gamma: 1 },
])('%j compares the classes other than the label among themselves, however small their logits are', (spec) => {
  // Far below the label, whose part of nkd is then 0.
  const low = (rows: Rows, label: number) => [rows[0]!.map((x, c) => (c === 0 ? label : x - 1e4))];
  const [logits, target] = [[[0, 2, -1, 0.5]], [[0, -1, 1, 1]]];
  const [own, wanted] = [logits, target].map(([each]) => softmax(each!.slice(1), 2));
  const crossEntropy = wanted!.reduce((sum, q, i) => sum - q * Math.log(own![i]!), 0);
  const entropy = wanted!.reduce((sum, q) => sum - q * Math.log(q), 0);
  const expected = 4 * (spec.kind === 'nkd' ? crossEntropy : crossEntropy - entropy);
  for (const label of [0, 1e4]) {
    const inputs = { logits: low(logits, label), target: low(target, label), labels: [0] };
    const { value: of, gradient } = lossOf(spec, inputs, 2);
    // Logits of 10,000 are known to 0.001.
    expect(Math.abs(of - expected)).toBeLessThanOrEqual(0.01);
    expect(gradient[0]).toBe(0);
  }
});

test('kl at a large temperature is half of mse of centred logits', () => {
  const centred = ([each]: Rows) => [each!.map((x) => x - mean(each!))];
  const [logits, target, labels] = [[[2, -1, 0.5, 0]], [[-1, 1, 1, 3]], [0]];
  const limit = lossOf({ kind: 'mse' }, { logits: centred(logits), target: centred(target), labels }, 1).value / 2;
  expect(Math.abs(lossOf({ kind: 'kl' }, { logits, target, labels }, 40).value - limit)).toBeLessThanOrEqual(
    0.05 * limit,
  );
});

test('dist is zero where probabilities are linear in those of the target', () => {
  const target = [
    [0.7, 0.2, 0.1],
    [0.2, 0.2, 0.6],
    [0.1, 0.6, 0.3],
  ];
  const half = target.map((each) => each.map((q) => (q + 1 / 3) / 2));
  const logits = (rows: Rows) => rows.map((each) => each.map(Math.log));
  const { value: apartBy } = lossOf(
    { kind: 'dist' },
    { logits: logits(half), target: logits(target), labels: [0, 1, 2] },
    1,
  );
  expect(Math.abs(apartBy)).toBeLessThanOrEqual(1e-5);
});

test('dist of a row alone has the correlations of its classes, and none of its rows', () => {
  const inputs = { logits: [[0, 1, 2]], target: [[0, 1, 2]], labels: [0] };
  const { value: of, gradient } = lossOf({ kind: 'dist', gamma: 3 }, inputs, 2);
  expect(of).toBeCloseTo(3 * 4, 4);
  expect(largest(gradient)).toBeLessThanOrEqual(1e-4);
});

test('each loss has its own name, and refuses a knob that it does not have', () => {
  expect(new Set(kinds.map(({ kind }) => kind)).size).toBe(LOSSES.length);
  for (const { kind } of kinds) expect(LossSpec.safeParse({ kind, nonsense: 1 }).success).toBe(false);
});

test('a spec of a run is read without TensorFlow', () => {
  const spec = fileURLToPath(new URL('../spec/role-spec.ts', import.meta.url));
  const program = `
    import { createRequire, registerHooks } from 'node:module';
    registerHooks({ resolve: (specifier, context, next) =>
      next(specifier.startsWith('.') && context.parentURL?.endsWith('.ts') ? specifier.replace(/\\.js$/, '.ts') : specifier, context) });
    const { RoleSpec } = await import(${JSON.stringify(spec)});
    RoleSpec.parse({ model: { kind: 'plain-cnn', channels: [1] }, objective: [{ kind: 'distillation', from: 'peer', loss: { kind: 'dkd' } }] });
    console.log(Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes('tensorflow')).length, 'files');`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--no-warnings', '--experimental-transform-types', '--input-type=module', '--eval', program],
    { encoding: 'utf8' },
  );
  expect(stdout, stderr).toBe('0 files\n');
});
