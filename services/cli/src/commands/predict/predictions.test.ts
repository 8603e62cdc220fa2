import { expect, test } from 'vitest';
import { answersOf, createSimilarities, predictionsText } from './predictions.js';

const model = { participant: 'student', stage: 'generation-1', step: 12, params: 'a'.repeat(64) };
const logits = Float32Array.of(0, Math.log(6), Math.log(3));

test('classes have their names where the data name them', () => {
  expect(answersOf(logits, 1, ['cat', 'dog', 'eel'])[0]).toMatchObject({ label: 1, class: 'dog' });
  expect(answersOf(logits, 1, undefined)[0]).not.toHaveProperty('class');
});

test('a table has an image in a row, a file of values an answer', () => {
  const predictions = [{ image: 'a,b.png', classes: answersOf(logits, 2, ['cat', 'dog', 'eel']) }];
  const table = predictionsText({ runId: 'r', model, predictions }, 'table');
  expect(table).toMatch(/^student of stage generation-1, params of step 12\n/);
  expect(table).toMatch(/a,b\.png +│ dog +│ +60\.00 % │ eel \(30\.00 %\)/);
  const [head, first] = predictionsText({ runId: 'r', model, predictions }, 'csv').split('\n');
  expect(head).toBe('image,rank,label,class,probability');
  expect(first).toMatch(/^"a,b\.png",1,1,dog,0\.6/);
});

test('embeddings are compared with the first one by their direction', () => {
  const similarityOf = createSimilarities();
  expect(similarityOf(Float32Array.of(3, 0)).similarity).toBe(1);
  expect(similarityOf(Float32Array.of(3, 4)).similarity).toBeCloseTo(0.6, 6);
  expect(similarityOf(Float32Array.of(0, 2))).toEqual({ similarity: 0, embedding: [0, 2] });
});
