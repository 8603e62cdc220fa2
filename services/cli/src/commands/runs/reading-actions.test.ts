import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { createRun, saveRun } from '@trikd/core/run/stored/run-store';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { openFolderStore } from '@trikd/store/folder-store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from '../../program.js';
import { alone, kdSpec, result, spec } from '../../testing/results.js';

let folder = '';

async function store(run: RunSpec, results: readonly ReturnType<typeof alone>[]): Promise<void> {
  const own = await openFolderStore(join(folder, run.name, 'store'));
  const created = await createRun(own, run, { at: '2026-01-01T00:00:00.000Z' });
  const state = { phase: 'completed', stage: results.length - 1, attempt: 1, results, moves: [] } as const;
  await saveRun(own, created, { state, at: '2026-01-01T00:01:30.000Z' });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'runs-'));
  await store({ ...spec, name: 'anchored', seed: 7 }, [result(0, 0.8, true), result(1, 0.85, true)]);
  await store({ ...kdSpec, name: 'taught' }, [alone(0, 'teacher', 0.9), alone(1, 'student', 0.87)]);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function trikd(...words: readonly string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const never = new AbortController().signal;
  const shell = { stdin: new PassThrough(), stdout, stderr, env: {}, rest: never, end: never };
  const status = await runProgram([...words, '--store', folder], shell);
  const text = (stream: PassThrough): string => stream.end().read()?.toString() ?? '';
  return { status, stdout: text(stdout), stderr: text(stderr) };
}

describe('without a server', () => {
  test('runs are listed with method, seed, scores and time', async () => {
    const { status, stdout } = await trikd('runs', 'list', '--sort', '-accuracy');
    const cells = stdout.split('\n').map((line) => line.split('│').map((cell) => cell.trim()));
    expect(status).toBe(0);
    expect(cells[1]!.slice(1, 10)).toEqual([
      ...['run', 'phase', 'method', 'seed', 'stage', 'done', 'validation', 'test', 'time'],
    ]);
    expect(cells[3]!.slice(1, 10)).toEqual([
      ...['taught', 'completed', 'kd', '0', '1 student', '100 %', '87.00 %', '86.00 %', '1:30'],
    ]);
    expect(cells[4]!.slice(1, 9)).toEqual([
      ...['anchored', 'completed', 'trikd', '7', '1', '100 %', '85.00 %', '84.00 %'],
    ]);
  });

  test('the list is CSV for programs', async () => {
    const { stdout } = await trikd('runs', 'list', '--filter', 'method=kd', '-o', 'csv');
    const [head, row, ...rest] = stdout.trimEnd().split('\n');
    expect(rest).toEqual([]);
    expect(head).toMatch(/^run,phase,method,seed,student\.model,teacher\.model,learner,stage,accuracy,test\.accuracy,/);
    expect(row).toMatch(
      /^taught,completed,kd,0,"plain-cnn, channels 4","plain-cnn, channels 4",student,stage student,0\.87,/,
    );
  });

  test('a run is shown as its orchestrator left it, without what only that one knows', async () => {
    const { stdout } = await trikd('runs', 'get', 'anchored', '-o', 'json');
    const { runId, phase, conditions } = JSON.parse(stdout);
    expect({ runId, phase }).toEqual({ runId: 'anchored', phase: 'RUN_PHASE_COMPLETED' });
    expect(conditions).toContainEqual(expect.objectContaining({ type: 'Completed', status: 'CONDITION_STATUS_TRUE' }));
  });

  test('runs are compared by scores and by the settings that differ', async () => {
    const { stdout } = await trikd('runs', 'compare', 'anchored', 'taught');
    expect(stdout).toMatch(/│ accuracy, validation +│ +85\.00 % │ +87\.00 % │/);
    expect(stdout).toMatch(/│ method +│ +trikd │ +kd │/);
    const { differences } = JSON.parse((await trikd('runs', 'compare', 'anchored', 'taught', '-o', 'json')).stdout);
    expect(differences).toContainEqual({ path: 'seed', values: ['7', '0'] });
  });

  test('an unknown run ends with 3 and the nearest name', async () => {
    expect(await trikd('runs', 'get', 'tought')).toEqual({
      ...{ status: 3, stdout: '' },
      stderr: `trikd: there is no run tought in ${folder}; did you mean taught?\n`,
    });
  });
});
