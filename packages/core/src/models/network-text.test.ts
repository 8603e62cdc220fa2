import { expect, test } from 'vitest';
import { LONGEST_NETWORK, networkText } from './network-text.js';

test('a network is its kind and its settings, of a limited length', () => {
  expect(networkText({ depth: 8, width: 16, stages: [1, 2], kind: 'resnet', more: {} })).toBe(
    'resnet, depth 8, width 16, stages 1, 2',
  );
  expect(networkText({ kind: 'module', path: 'x'.repeat(1000) })).toHaveLength(LONGEST_NETWORK);
  expect(networkText(undefined)).toBe('');
});
