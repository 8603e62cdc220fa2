import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { run, scratch, trikd } from './trikd.js';

const tiny = writtenSpec('two generations');

test('a run leaves curves and a report beside its events, and its models have the recorded scores', async () => {
  const folder = scratch();
  const store = join(folder, 'runs');
  expect(await run(folder, tiny)).toMatchObject({ status: 0 });
  const generations = readdirSync(join(store, tiny.name, 'tensorboard')).sort();
  expect(generations).toEqual(['generation-0', 'generation-1']);

  const page = readFileSync(join(store, tiny.name, 'report.html'), 'utf8');
  expect(page).toContain(`"runId":"${tiny.name}"`);
  const reported = await trikd(['report', tiny.name, '--store', store, '--out', join(folder, 'again.html')]).ended;
  expect(reported.status).toBe(0);
  expect(readFileSync(join(folder, 'again.html'), 'utf8')).toBe(page);

  const evaluated = await trikd(['eval', tiny.name, '--store', store, '-o', 'json']).ended;
  expect(evaluated.status).toBe(0);
  const { scores } = JSON.parse(evaluated.stdout);
  expect(scores).toHaveLength(4);
  for (const { score, recorded } of scores) expect(score).toEqual(recorded);

  const out = join(folder, 'files');
  const exported = await trikd(['runs', 'export', tiny.name, '--store', store, '--out', out]).ended;
  expect(exported.status).toBe(0);
  expect(readdirSync(out)).toEqual(expect.arrayContaining(['events.jsonl', 'scalars.csv', 'tensorboard']));
  const nothing = join(folder, 'nothing');
  const unknown = await trikd(['runs', 'export', 'unknown', '--store', store, '--out', nothing]).ended;
  expect(unknown).toMatchObject({
    status: 3,
    stderr: expect.stringMatching(/^trikd: there is no file of events at .*\n$/),
  });
  expect(existsSync(nothing)).toBe(false);
});
