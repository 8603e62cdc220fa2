import { expect, test } from 'vitest';
import { atOnce } from '../../async/slices.js';
import type { LabelledImages } from '../../data/image-source.js';
import { areAlike, type Embeddings, normalised, retrievalRate } from './embeddings.js';
import { VERIFICATION_METRICS } from './metrics.js';
import { assertPairs, makePairs } from './pairs.js';
import { verificationMeter, verificationMetrics } from './score-meter.js';
import { degenerate } from './verification.js';

/** Two identities, of which no pairs can be made, and a list of pairs. */
const split: LabelledImages = {
  count: 4,
  images: new Uint8Array(4),
  labels: Uint8Array.of(0, 0, 1, 1),
  pairs: {
    left: Uint32Array.of(0, 0, 2, 1),
    right: Uint32Array.of(1, 2, 3, 3),
    same: Uint8Array.of(1, 0, 1, 0),
    fold: Uint8Array.of(0, 0, 1, 1),
    folds: 2,
  },
};

test('images are compared by the list of the data, and by its folds', async () => {
  expect(() => assertPairs(split)).not.toThrow();
  const meter = verificationMeter(split, 2);
  // The pair of one identity in the second fold is less alike than that of two.
  meter.add({ embedding: Float32Array.of(1, 0, 1, 0.1, 0, 1, 1, 0.2) }, split.labels);
  const { metrics } = await meter.score(undefined);
  // The first fold has a threshold above all, which is right for one of its pairs, and the second that of the first: for none.
  expect(metrics['accuracy']).toBe(0.25);
});

const embed = (...rows: readonly (readonly number[])[]): Embeddings => ({
  dimension: rows[0]!.length,
  values: Float32Array.from(rows.flat()),
});

/** So many identities with two images each, at angles of their own. */
const IDENTITIES = 24;
const labels = Uint16Array.from({ length: 2 * IDENTITIES }, (_, i) => i % IDENTITIES);
const pairs = atOnce(makePairs({ count: labels.length, images: new Uint8Array(0), labels }));

/** Each image at the angle of its identity plus a number of radians, at any length. */
const around = (spread: number) =>
  embed(
    ...Array.from(labels, (label, i) => {
      const angle = (2 * Math.PI * label) / IDENTITIES + (i < IDENTITIES ? spread : -spread);
      return [(1 + i) * Math.cos(angle), (1 + i) * Math.sin(angle)];
    }),
  );

const metricsOf = (embeddings: Embeddings) => atOnce(verificationMetrics(embeddings, labels, pairs));
const scoreOf = (embeddings: Embeddings) => ({ metrics: metricsOf(embeddings), examples: labels.length });

test('embeddings that keep identities apart score 1, whatever their lengths; rates that need more pairs are absent', () => {
  expect(metricsOf(around(0.01))).toEqual({ accuracy: 1, 'tar1e-1': 1, retrieval: 1 });
});

test('an image that is nearer to another identity than to its own is not retrieved', () => {
  const turned = 2 * Math.PI * (1 / IDENTITIES);
  expect(metricsOf(around(turned * 0.6))).toMatchObject({ retrieval: 0 });
});

test('every metric that is measured is described, the one that decides first', () => {
  const names = VERIFICATION_METRICS.map(({ name }) => name);
  expect(names).toEqual(['accuracy', 'tar1e-1', 'tar1e-2', 'tar1e-3', 'retrieval']);
  expect(Object.keys(metricsOf(around(0.01))).filter((name) => !names.includes(name))).toEqual([]);
});

test('embeddings that tell something are not degenerate', () => {
  expect(degenerate(scoreOf(around(0.01)))).toBeUndefined();
});

test('embeddings that differ by rounding alone are all equal, and named so', () => {
  const noise = embed(...Array.from(labels, (_, i) => [0.3, 0.4 + (i % 7) * 3e-8]));
  expect(degenerate(scoreOf(noise))).toBe('its embeddings of 48 validation images are all equal');
  expect(metricsOf(noise)).toMatchObject({ accuracy: 0.5, 'tar1e-1': 0 });
});

test('embeddings of zeros are all equal', () => {
  expect(areAlike(normalised(embed([0, 0], [0, 0])))).toBe(true);
  expect(areAlike(normalised(embed([0, 0], [0, 1])))).toBe(false);
});

test('an embedding that is not finite makes a score that is not', () => {
  const { dimension, values } = around(0.01);
  const broken = { dimension, values: values.with(5, Number.NaN) };
  expect(degenerate(scoreOf(broken))).toContain('its validation score is not finite: accuracy NaN');
});

test('an image without a second one of its identity is found, but not looked up', () => {
  const units = normalised(embed([1, 0], [1, 0.3], [0, 1], [1, 0.1]));
  // Both images of identity 0 find the one of identity 2; nothing is asked of the others.
  expect(atOnce(retrievalRate(units, [0, 0, 1, 2]))).toBe(0);
  expect(atOnce(retrievalRate(units, [0, 1, 2, 0]))).toBe(1);
});

test('of images that are equally near the first is found', () => {
  const units = normalised(embed([1, 0], [1, 0], [1, 0], [0, 1]));
  expect(atOnce(retrievalRate(units, [0, 0, 1, 1]))).toBe(2 / 4);
});

test('as many images are looked up as the limit says', () => {
  const units = normalised(embed([1, 0], [1, 0], [0, 1], [1, 0.1]));
  expect(atOnce(retrievalRate(units, [0, 0, 1, 1], 2))).toBe(1);
});

test('without an identity of two images there is no retrieval', () => {
  expect(atOnce(retrievalRate(normalised(embed([1, 0], [0, 1])), [0, 1]))).toBeUndefined();
});
