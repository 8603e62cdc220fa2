import { describe, expect, test } from 'vitest';
import { faultyExport, plantedModules } from './planted.js';
import type { Replacement } from './replacement.js';

const replacement: Replacement = { module: '@trikd/core/run/gone', export: 'advance', wrap: () => undefined };

describe('a planted bug', () => {
  test('is refused by the name of a module that does not exist', () => {
    expect(() => plantedModules([replacement], () => undefined)).toThrow(
      'a mutation replaces an export of @trikd/core/run/gone, which does not exist',
    );
  });

  test('is refused by the name of an export that the module does not have', () => {
    expect(() => faultyExport({ duty: () => 1 }, [replacement], '@trikd/core/run/gone', 'advance')).toThrow(
      'a mutation replaces advance of @trikd/core/run/gone, which exports no such name',
    );
  });

  test('shares an address with the other replacements of its module', () => {
    const two = [replacement, { ...replacement, export: 'duty' }];
    expect([...plantedModules(two, (module) => `file:///${module}`)]).toEqual([['file:///@trikd/core/run/gone', two]]);
  });
});
