import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { greyPng } from '@trikd/testing/images/png-file';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Line, run, scratch, trikd } from './trikd.js';

const tiny = writtenSpec('two stages');

/** The run that all tests look at. */
const original = mkdtempSync(join(tmpdir(), 'trikd-e2e-'));
const store = join(original, 'runs');
beforeAll(async () => {
  expect(await run(original, tiny)).toMatchObject({ status: 0 });
});
afterAll(() => rmSync(original, { recursive: true, force: true }));

test('a run leaves curves, a report and a store that can be looked at, and its models have the recorded scores', async () => {
  const folder = scratch();
  const stages = readdirSync(join(store, tiny.name, 'tensorboard')).sort();
  expect(stages).toEqual(['generation-0', 'generation-1']);

  const page = readFileSync(join(store, tiny.name, 'report.html'), 'utf8');
  expect(page).toContain(`"runId":"${tiny.name}"`);
  const reported = await trikd(['report', tiny.name, '--store', store, '--out', join(folder, 'again.html')]).ended;
  expect(reported.status).toBe(0);
  expect(readFileSync(join(folder, 'again.html'), 'utf8')).toBe(page);

  const html = join(folder, 'eval.html');
  const views = ['--details', '--html', html];
  const evaluated = await trikd(['eval', tiny.name, '--store', store, '-o', 'json', ...views]).ended;
  expect(evaluated.status).toBe(0);
  const { scores } = JSON.parse(evaluated.stdout);
  expect(scores).toHaveLength(4);
  for (const { score, recorded, details } of scores) {
    expect(score).toEqual(recorded);
    const right = details.confusion.filter(({ label, answer }: Line) => label === answer);
    const count = right.reduce((sum: number, { examples }: { readonly examples: number }) => sum + examples, 0);
    expect(count / score.examples).toBe(score.metrics.accuracy);
  }
  expect(readFileSync(html, 'utf8').match(/<h2>/g)).toHaveLength(4);

  const dashboard = trikd(['dashboard', '--store', store]);
  const [, url] = await dashboard.drew(/^dashboard +(http:\S+)\n/);
  const listed = await (await fetch(`${url}/api/runs?view=RUN_LIST_VIEW_SUMMARY`)).json();
  expect(listed).toMatchObject({ summaries: [{ runId: tiny.name, phase: 'RUN_PHASE_COMPLETED' }] });
  dashboard.kill('SIGINT');
  expect(await dashboard.ended).toMatchObject({ status: 0, stderr: '' });

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

test('models of a run answer to images, and are exported in every format without overwriting anything', async () => {
  const folder = scratch();
  const image = join(folder, 'image.png');
  writeFileSync(image, greyPng(3, 20));
  const asked = await trikd(['predict', tiny.name, folder, '--store', store, '--top', '1', '-o', 'json']).ended;
  expect(asked).toMatchObject({ status: 0, stderr: '' });
  const { predictions } = JSON.parse(asked.stdout);
  expect(predictions).toEqual([{ image, classes: [{ label: expect.any(Number), probability: expect.any(Number) }] }]);
  const exported = (...words: readonly string[]) => trikd(['export', tiny.name, '--store', store, ...words]).ended;
  const files = {
    onnx: ['model.onnx'],
    tfjs: ['model.json', 'weights.bin'],
    savedmodel: ['saved_model.pb'],
    pytorch: ['model.py', 'model.safetensors'],
    safetensors: ['model.safetensors'],
  };
  for (const [format, names] of Object.entries(files)) {
    const out = join(folder, format);
    const { status, stdout } = await exported('--format', format, '--out', out);
    expect({ status, stdout }).toMatchObject({ status: 0 });
    expect(stdout).toMatch(
      /\nchecked on 64 images: logits at most \S+ from those of the checkpoint, the same class for 64, the right one for \d+, with the checkpoint for \d+\n$/,
    );
    expect(readdirSync(out).sort()).toEqual(['README.md', ...names]);
  }
  const out = join(folder, 'onnx');
  expect(await exported('--format', 'tfjs', '--out', out)).toMatchObject({
    status: 1,
    stderr: `trikd: ${out} is not empty: --out names another one\n`,
  });
  const narrow = await exported(
    '--format',
    'onnx',
    '--precision',
    'float16',
    '--participant',
    'teacher',
    '--out',
    `${out}-16`,
  );
  expect(narrow.stdout).toMatch(/^teacher of stage generation-\d, best params of step \d+: /);
});

test('store, logs and events of a run are readable by its user only', async () => {
  const path = join(store, tiny.name);
  // For people, and in a folder that nobody else can enter.
  const shared = /^(report\.html|tensorboard(\/.*)?)$/;
  const entries = readdirSync(path, { recursive: true, withFileTypes: true }).map((entry) => ({
    name: relative(path, join(entry.parentPath, entry.name)),
    mode: statSync(join(entry.parentPath, entry.name)).mode & 0o777,
    expected: entry.isDirectory() ? 0o700 : 0o600,
  }));
  expect(entries.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['events.jsonl', 'logs/orchestrator.jsonl', 'logs/orchestrator.stderr', 'store/~lock']),
  );
  expect(entries.filter(({ name, mode, expected }) => !shared.test(name) && mode !== expected)).toEqual([]);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});
