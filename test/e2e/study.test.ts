import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { expect, test } from 'vitest';
import { reference } from './outcome.js';
import { scratch, trikd } from './trikd.js';

const run: Omit<WrittenSpec, 'name'> = {
  data: { kind: 'synthetic', train: 128, validation: 128, test: 128, noise: 64 },
  batchSize: 32,
  epochs: 3,
  warmupSteps: 4,
  engine: { threads: 1 },
  student: { model: { kind: 'plain-cnn', channels: [4, 4] } },
  teacher: { model: { kind: 'plain-cnn', channels: [8, 8] } },
};

const study = {
  name: 'trial',
  run,
  seeds: 2,
  baselines: ['ce'],
  arms: { ce: { run: { method: 'ce', teacher: null } }, trikd: { run: { curriculum: { generations: 2 } } } },
};

interface Line {
  readonly arm: string;
  readonly seed: number;
  readonly seconds: number;
  readonly processorSeconds?: number;
  readonly result: { readonly params: string; readonly test: Record<string, number> };
}

const linesOf = (file: string): readonly Line[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

test('a study that was killed continues, and its runs have the params of trikd run bit for bit', async () => {
  const folder = scratch();
  const file = join(folder, 'study.yaml');
  writeFileSync(file, JSON.stringify(study));
  const args = ['study', file, '--out', join(folder, 'out')];
  const results = join(folder, 'out', 'results.jsonl');
  const first = trikd([...args, '--workers', '1']);
  await first.complained(/1 of 4 done/);
  first.kill('SIGKILL');
  await first.ended;
  const before = linesOf(results);

  const { status, stdout, stderr } = await trikd([...args, '-o', 'json']).ended;
  expect([status, stderr]).toEqual([0, expect.stringContaining(`${4 - before.length} runs, `)]);
  const lines = linesOf(results);
  expect(lines.map(({ arm, seed }) => `${arm} ${seed}`).sort()).toEqual(['ce 0', 'ce 1', 'trikd 0', 'trikd 1']);
  expect(lines.slice(0, before.length)).toEqual(before);

  const trikd1 = lines.find(({ arm, seed }) => arm === 'trikd' && seed === 1)!;
  const expected = await reference({ ...run, name: 'trial-trikd-1', seed: 1, curriculum: { generations: 2 } });
  const digests = expected.map(({ learners }) => learners['student']!.best.params.sha256);
  expect(digests).toContain(trikd1.result.params);

  const { findings } = JSON.parse(stdout);
  const ce = lines.filter(({ arm }) => arm === 'ce').map(({ result }) => result.test['accuracy']!);
  expect(findings[0].test.accuracy.mean).toBeCloseTo((ce[0]! + ce[1]!) / 2, 12);
  expect(findings[1].differences).toMatchObject([{ baseline: 'ce', gain: { count: 2 } }]);
  expect(readFileSync(join(folder, 'out', 'report.html'), 'utf8')).toContain('<svg');
});

test('a study at a server goes on without the command, is found again, and its rows are those of this machine', async () => {
  const folder = scratch();
  const file = join(folder, 'study.yaml');
  writeFileSync(file, JSON.stringify({ ...study, seeds: 1 }));
  const up = trikd(['up', '--store', join(folder, 'stack'), '--listen', '127.0.0.1:0', '--trios', '2', '-o', 'json']);
  const { orchestrators } = await up.said(({ event }) => event === 'listening');
  const [server = ''] = [orchestrators].flat().map(String);
  const at = (place: string, ...args: readonly string[]) =>
    trikd(['study', file, '--out', join(folder, place), ...args]);

  const first = at('remote', '--server', server, '--workers', '1');
  await first.complained(/1 of 2 done/);
  first.kill('SIGINT');
  expect(await first.ended).toMatchObject({ status: 130, stderr: expect.stringMatching(/the same command continues/) });

  const again = await at('remote', '--server', server).ended;
  expect([again.status, again.stderr]).toEqual([0, expect.stringMatching(/^1 run at .*1 of 1 done/s)]);
  const listed = await trikd(['runs', 'list', '--server', server, '-o', 'json']).ended;
  expect(JSON.parse(listed.stdout).runs).toHaveLength(2);
  expect(await at('local').ended).toMatchObject({ status: 0 });
  const rowsOf = (place: string) =>
    linesOf(join(folder, place, 'results.jsonl'))
      .map(({ seconds: _, processorSeconds: __, ...row }) => row)
      .sort((a, b) => a.arm.localeCompare(b.arm));
  expect(rowsOf('remote')).toEqual(rowsOf('local'));
});

test('a search trains fewer and fewer trials for longer, and writes the best as a file that trains', async () => {
  const folder = scratch();
  const file = join(folder, 'tune.yaml');
  const search = {
    ...{ name: 'search', run: { ...run, method: { kind: 'kd' } }, seeds: 1, trials: 4, keep: 0.5, rungs: 2 },
    space: { 'method.temperature': { values: [1, 4] }, 'method.weight': { from: 0.1, to: 10, scale: 'log' } },
  };
  writeFileSync(file, JSON.stringify(search));
  const out = join(folder, 'out');
  const { status, stdout, stderr } = await trikd(['tune', file, '--out', out, '-o', 'json']).ended;
  expect([status, stderr]).toEqual([
    0,
    expect.stringMatching(/rung 1 of 2: 4 trials, 2 epochs[\s\S]*rung 2 of 2: 2 trials, 3 epochs/),
  ]);
  const { ranked } = JSON.parse(stdout);
  expect(ranked).toHaveLength(2);
  expect(ranked[0].validation.mean).toBeGreaterThanOrEqual(ranked[1].validation.mean);
  const explained = await trikd(['explain', join(out, 'best.yaml'), '--json']).ended;
  expect(JSON.parse(explained.stdout)).toMatchObject({ run: 'search', method: 'kd', total: { epochs: 6 } });
});
