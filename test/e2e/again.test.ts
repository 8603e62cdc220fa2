import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { resultOf } from './outcome.js';
import { run, scratch } from './trikd.js';

const tiny = writtenSpec('two stages');

test('a completed run is shown again, another spec of its name is refused, and --fresh begins it anew', async () => {
  const folder = scratch();
  const events = () => readFileSync(join(folder, 'runs/tiny/events.jsonl'), 'utf8').trimEnd().split('\n');
  const first = await run(folder, tiny, '--in-process');
  expect(first).toMatchObject({ status: 0, stderr: '' });
  const before = events();

  const again = await run(folder, tiny);
  expect(again).toMatchObject({ status: 0, stderr: 'run tiny is already completed; --fresh starts it again\n' });
  expect(again.stdout.trimEnd().split('\n')).toHaveLength(1);
  expect(resultOf(again)).toEqual(resultOf(first));

  const table = await run(folder, tiny, '--output', 'table');
  expect(table).toMatchObject({ status: 0, stderr: 'run tiny is already completed; --fresh starts it again\n' });
  expect(table.stdout).toMatch(
    /│ +0 │ student │.*\n│ +│ teacher │.*\n│ +1 │ student │.*\n│ +│ teacher │.*\n│ +│ anchor {2}│/,
  );
  expect(table.stdout).toMatch(/^checkpoints .*runs\/tiny\/store$/m);

  const other: WrittenSpec = { ...tiny, epochs: 4, student: { ...tiny.student, learningRate: 0.1 } };
  const refused = await run(folder, other);
  expect(refused).toMatchObject({ status: 3, stdout: '' });
  expect(refused.stderr).toBe(
    'trikd: run tiny exists with another spec:\n  epochs: stored 3, requested 4\n  student.learningRate: stored 0.05, requested 0.1\n' +
      'choose another name with --set name=..., or replace the run with --fresh\n',
  );
  expect(events()).toEqual(before);

  const fresh = await run(folder, tiny, '--fresh', '--in-process');
  expect(fresh).toMatchObject({ status: 0, stderr: '' });
  expect(resultOf(fresh)).toEqual(resultOf(first));
  expect(events()[0]).toMatch(/"phase":"RUN_PHASE_QUEUED"/);
  expect(events()[0]).not.toBe(before[0]);
});
