import { describe, expect, test } from 'vitest';
import { otherTexts, primaryText, scoreText } from './metric-text.js';

const metrics = { ece: 0.012, nll: 0.23451, top5: 0.99, accuracy: 0.931 };

describe('a score in words', () => {
  test('begins with the metric that decides, and has one more', () => {
    expect(scoreText(metrics)).toBe('93.10 %, NLL 0.2345');
    expect(scoreText({ accuracy: 0.931 })).toBe('93.10 %');
  });

  test('lists the others in one order, whatever the order in the message', () => {
    expect(otherTexts(metrics)).toEqual(['NLL 0.2345', 'ECE 1.20 %', 'top-5 accuracy 99.00 %']);
  });

  test('shows a metric that is not known here under its name', () => {
    expect(otherTexts({ accuracy: 0.5, 'f1-macro': 0.25 })).toEqual(['f1-macro 0.2500']);
  });

  test('is unknown where nothing was measured', () => {
    expect(primaryText(undefined)).toBeUndefined();
    expect(scoreText({})).toBe('unknown');
  });
});
