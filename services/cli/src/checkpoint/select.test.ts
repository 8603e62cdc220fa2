import { manifestKey } from '@trikd/core/checkpoint/manifest';
import { beforeAll, expect, test } from 'vitest';
import { catalogue, type Entry } from './catalogue.js';
import { selected } from './select.js';
import { type StoredRun, storedRun } from './testing/stored-run.js';

let run: StoredRun;
let entries: readonly Entry[];
beforeAll(async () => {
  run = await storedRun();
  entries = await catalogue(run);
});

test.each([
  ['latest', '1/8-2'],
  ['1/8', '1/8-2'],
  ['1/8-1', '1/8-1'],
  ['0/8', '0/8-2'],
])('%s is %s', (wanted, name) => {
  expect(selected(entries, wanted, 'r').name).toBe(name);
});

test('a key is the checkpoint that has it', () => {
  expect(selected(entries, manifestKey(run.manifests.earlier), 'r').name).toBe('1/4-1');
});

test.each(['1/5', '1', '1/8-', '', 'runs/r'])('%j is no checkpoint, and those that there are get named', (wanted) => {
  expect(() => selected(entries, wanted, 'r')).toThrow(
    expect.objectContaining({
      kind: 'not-found',
      message: `run r has no checkpoint ${wanted}; it has 1/8-2, 1/8-1, 1/4-1, 0/8-2`,
    }),
  );
});

test('of many that there are the newest eight get named', () => {
  const many = Array.from({ length: 11 }, (_, index) => ({ ...entries[1]!, name: `0/${11 - index}-1` }));
  expect(() => selected(many, 'latest', 'r')).toThrow(
    'run r has no live checkpoint; it has 0/11-1, 0/10-1, 0/9-1, 0/8-1, 0/7-1, 0/6-1, 0/5-1, 0/4-1 and 3 older',
  );
  expect(() => selected([], '1/8', 'r')).toThrow('run r has no checkpoint 1/8; it has none yet');
});
