import { expect, test } from 'vitest';
import { assertSameFacts } from './facts.js';
import type { Facts } from './state.js';

const facts: Facts = { datasetDigest: 'a'.repeat(64), classes: 4, totalSteps: 100, stepsPerEpoch: 10 };
const sentence = (name: string, one: string | number, other: string | number) => `${name}: ${one}, ${other}`;

test('the same facts pass', () => {
  expect(() => assertSameFacts(facts, { ...facts }, sentence)).not.toThrow();
});

test.each([
  [{ datasetDigest: 'b'.repeat(64) }, `datasetDigest: ${'a'.repeat(64)}, ${'b'.repeat(64)}`],
  [{ classes: 5 }, 'classes: 4, 5'],
  [{ totalSteps: 90 }, 'totalSteps: 100, 90'],
  [{ stepsPerEpoch: 9 }, 'stepsPerEpoch: 10, 9'],
])('another fact is named with both values: %j', (change, message) => {
  const check = () => assertSameFacts(facts, { ...facts, ...change }, sentence);
  expect(check).toThrow(expect.objectContaining({ kind: 'invalid', message }));
});
