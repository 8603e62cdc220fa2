import { expect, test } from 'vitest';
import { lossText, stageText } from './names.js';

test.each([
  [2.30261, '2.303'],
  [-0.5, '-0.500'],
  [999_999, '999999.000'],
  [1.3635006312654832e19, '1.4e19'],
  [-2e21, '-2.0e21'],
  [Number.POSITIVE_INFINITY, 'Infinity'],
  [Number.NaN, 'NaN'],
])('the loss %d is written %s', (loss, text) => expect(lossText(loss, 3)).toBe(text));

test.each([
  ['generation-2', 'generation 2'],
  ['teacher', 'stage teacher'],
  ['', 'generation 2'],
  [undefined, 'generation 2'],
])('stage 2 of the name %s is called %s', (name, text) => expect(stageText(name, 2)).toBe(text));
