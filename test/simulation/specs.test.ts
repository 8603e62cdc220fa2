import { METHOD_KINDS } from '@trikd/core/methods/registry';
import { stagesOf } from '@trikd/core/stages/stages-of';
import { expect, test } from 'vitest';
import { VARIANTS } from './oracle.js';
import { specOf } from './specs.js';

test('the specs that are simulated are of every method, and of stages with two frozen models', () => {
  const specs = Array.from({ length: VARIANTS }, (_, variant) => specOf(variant));
  const methods = specs.map(({ method = 'trikd' }) => (typeof method === 'string' ? method : method.kind));
  expect(new Set(methods)).toEqual(new Set(METHOD_KINDS));
  const written = specs.filter(({ stages }) => stages !== undefined);
  expect(written.length).toBeGreaterThan(VARIANTS / 32);
  expect(written.every((spec) => stagesOf(spec).some(({ frozen }) => frozen.length === 2))).toBe(true);
});
