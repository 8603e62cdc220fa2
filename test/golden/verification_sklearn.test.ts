import { readFileSync } from 'node:fs';
import { atOnce } from '@trikd/core/async/slices';
import { cosine, normalised, retrievalRate } from '@trikd/core/tasks/verification/embeddings';
import { accuracyOfFolds, trueAcceptRate } from '@trikd/core/tasks/verification/pair-details';
import { verificationMetrics } from '@trikd/core/tasks/verification/score-meter';
import { expect, test } from 'vitest';

/** The JSON of the script that made the numbers. */
interface Golden {
  readonly dimension: number;
  readonly labels: readonly number[];
  readonly embeddings: readonly number[];
  readonly pairs: Readonly<Record<'left' | 'right' | 'same', readonly number[]>> & {
    readonly folds: number;
    readonly inFold: number;
  };
  readonly cosines: readonly number[];
  readonly similarities: readonly number[];
  readonly accuracies: readonly number[];
  readonly tar: Readonly<Record<string, number>>;
  readonly retrieval: number;
  readonly whole: Readonly<Record<string, number>>;
}

const golden: Golden = JSON.parse(readFileSync(new URL('./verification_sklearn.json', import.meta.url), 'utf8'));
const { pairs, labels } = golden;
const units = normalised({ dimension: golden.dimension, values: Float32Array.from(golden.embeddings) });
const scored = {
  similarities: Float64Array.from(golden.similarities),
  same: Uint8Array.from(pairs.same),
  fold: Uint8Array.from(pairs.same, (_, pair) => Math.floor(pair / pairs.inFold)),
  folds: pairs.folds,
};

test('cosines of embeddings are those of numpy', () => {
  for (const [pair, expected] of golden.cosines.entries()) {
    expect(Math.abs(cosine(units, pairs.left[pair]!, pairs.right[pair]!) - expected)).toBeLessThan(5e-7);
  }
});

test('the accuracy of ten folds is that of scikit-learn on the same similarities', () => {
  const expected = golden.accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / golden.accuracies.length;
  expect(accuracyOfFolds(scored)).toBeCloseTo(expected, 12);
});

test.each(Object.entries(golden.tar))(
  'the true accept rate at a false accept rate of %s is that of scikit-learn on the same similarities',
  (far, expected) => {
    expect(trueAcceptRate(scored, Number(far))).toBeCloseTo(expected, 12);
  },
);

test('a true accept rate at 0.001 is not reported for 300 pairs of two identities', () => {
  expect(trueAcceptRate(scored, 0.001)).toBeUndefined();
});

test('the share of images whose nearest is of their identity is that of scikit-learn', () => {
  expect(atOnce(retrievalRate(units, labels))).toBeCloseTo(golden.retrieval, 12);
});

test('the score that a run records is that of scikit-learn on the same embeddings and pairs', () => {
  const embeddings = { dimension: golden.dimension, values: Float32Array.from(golden.embeddings) };
  const listed = { ...scored, left: Uint32Array.from(pairs.left), right: Uint32Array.from(pairs.right) };
  const metrics = atOnce(verificationMetrics(embeddings, labels, listed));
  expect(Object.keys(metrics).sort()).toEqual(Object.keys(golden.whole).sort());
  for (const [name, expected] of Object.entries(golden.whole)) expect(metrics[name]).toBeCloseTo(expected, 12);
});
