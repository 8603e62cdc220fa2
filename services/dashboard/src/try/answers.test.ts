import { expect, test } from 'vitest';
import { agreementText, cosine, topGuesses } from './answers.js';

test('guesses are the softmax of logits, the most probable first', () => {
  const guesses = topGuesses([Math.log(1), Math.log(6), Math.log(3)], ['ant', 'bee']);
  expect(guesses.map(({ name }) => name)).toEqual(['bee', 'class 2', 'ant']);
  expect(guesses.map(({ probability }) => Number(probability.toFixed(6)))).toEqual([0.6, 0.3, 0.1]);
});

test('large logits do not overflow, and five guesses are enough', () => {
  const guesses = topGuesses([1000, 999, 0, 0, 0, 0, 0], []);
  expect(guesses).toHaveLength(5);
  expect(guesses[0]?.probability).toBeCloseTo(1 / (1 + Math.exp(-1)), 6);
});

const says = (...all: readonly (readonly [string, string])[]) => all.map(([title, guess]) => ({ title, guess }));

test.each([
  [says(['student', 'cat']), ''],
  [says(['student', 'cat'], ['teacher', 'cat']), 'Both say cat.'],
  [says(['student', 'cat'], ['teacher', 'cat'], ['anchor', 'cat']), 'All 3 say cat.'],
  [
    says(['student', 'cat'], ['teacher', 'cat'], ['anchor', 'dog']),
    'They disagree: student and teacher say cat, anchor says dog.',
  ],
])('agreement in words', (answers, text) => {
  expect(agreementText(answers)).toBe(text);
});

test('the similarity of embeddings is the cosine of their angle, whatever their lengths', () => {
  expect(cosine([3, 0], [0, 2])).toBe(0);
  expect(cosine([1, 1], [4, 4])).toBeCloseTo(1, 12);
  expect(cosine([1, 0], [-2, 0])).toBe(-1);
  expect(cosine([0, 0], [1, 2])).toBe(0);
});
