import { expect, test } from 'vitest';
import { type AnsweredTensor, answeredLogits } from './answered-logits.js';

const expected = { output: 'logits', rows: 2, classes: 2 };
const bytesOf = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const answer = (changes: Partial<AnsweredTensor> = {}): readonly AnsweredTensor[] => [
  { name: 'other', datatype: 'INT64', shape: [1], raw: undefined },
  { name: 'logits', datatype: 'FP32', shape: [2, 2], raw: bytesOf(1, -2, 3, 4), ...changes },
];

test('logits are read from FP32 and FP16, wherever their bytes start', () => {
  expect(answeredLogits(answer(), expected)).toEqual(Float32Array.of(1, -2, 3, 4));
  const shifted = Uint8Array.of(9, ...bytesOf(1, -2, 3, 4)).subarray(1);
  expect(answeredLogits(answer({ raw: shifted }), expected)).toEqual(Float32Array.of(1, -2, 3, 4));
  const halves = new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff).buffer);
  expect(answeredLogits(answer({ datatype: 'FP16', raw: halves }), expected)).toEqual(
    Float32Array.of(1, -2, 2 ** -24, 65_504),
  );
});

test.each<[string, Partial<AnsweredTensor>, string]>([
  ['another name', { name: 'probs' }, 'the answer has no tensor logits'],
  ['another type', { datatype: 'FP64' }, 'the answer is FP64: logits are FP32 or FP16'],
  ['other classes', { shape: [2, 3] }, 'the answer has the shape [2, 3], expected [2, 2]'],
  ['other rows', { shape: [4] }, 'the answer has the shape [4], expected [2, 2]'],
  ['too few bytes', { raw: bytesOf(1, 2, 3) }, 'the answer has 12 bytes, expected 16'],
  ['no bytes', { raw: undefined }, 'the answer has no raw_output_contents: the server must send tensors as bytes'],
  ['what is no number', { raw: bytesOf(1, 2, 3, Number.NaN) }, 'the answer is not finite in row 1'],
  [
    'an infinity in FP16',
    { datatype: 'FP16', raw: new Uint8Array(Uint16Array.of(0x7c00, 0, 0, 0).buffer) },
    'the answer is not finite in row 0',
  ],
  [
    'probabilities',
    { raw: bytesOf(0.25, 0.75, 1, 0) },
    'the answer has probabilities, which sum to 1: logits are needed, the layer before the softmax',
  ],
])('an answer with %s is refused', (_what, changes, message) => {
  expect(() => answeredLogits(answer(changes), expected)).toThrow(message);
});
