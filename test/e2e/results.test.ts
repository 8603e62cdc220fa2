import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { scratch, trikd } from './trikd.js';

const RESULTS = fileURLToPath(new URL('../../docs/results/few-images/', import.meta.url));

interface Line {
  readonly setting: string;
  readonly arm: string;
  readonly seed: number;
  readonly digest: string;
  readonly numerics: string;
  readonly result: { readonly params: string; readonly test: { readonly accuracy: number } };
}

const linesOf = (file: string): readonly Line[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

/** Another processor sums in another order, and a training of hundreds of steps ends elsewhere: as far apart as two seeds. */
const OTHER_PROCESSOR = 0.03;

test('a run of the page of results, trained again, has its numbers', async () => {
  const kept = linesOf(join(RESULTS, 'results.jsonl')).find(({ arm, seed }) => arm === 'ce' && seed === 0)!;
  const out = scratch();
  const choice = ['--arm', 'ce', '--setting', kept.setting, '--seed', '0'];
  const { status } = await trikd(['study', join(RESULTS, 'study.yaml'), ...choice, '--out', out]).ended;
  expect(status).toBe(0);
  const [again, ...others] = linesOf(join(out, 'results.jsonl'));
  expect(others).toEqual([]);
  expect(again!.digest).toBe(kept.digest);
  if (again!.numerics === kept.numerics) expect(again!.result.params).toBe(kept.result.params);
  expect(Math.abs(again!.result.test.accuracy - kept.result.test.accuracy)).toBeLessThan(OTHER_PROCESSOR);
  expect(existsSync(join(out, 'plots', `compute-${kept.setting}.svg`))).toBe(true);
});
