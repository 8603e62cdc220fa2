import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { fakeRunService, toldRun } from '../integration/fake-run-service.js';
import { expectNoProcess } from './processes.js';
import { MAIN, run, scratch, specFile, startRun, trikd, trikdOnTerminal } from './trikd.js';

const tiny = writtenSpec('two stages');

test('without a terminal every line is JSON until the table', async () => {
  const { status, stdout, stderr } = await run(scratch(), tiny, '--output', 'table', '--in-process');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const table = stdout.indexOf('┌');
  const events = stdout
    .slice(0, table)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  // A slow machine reports progress too.
  const kinds = new Set(events.map(({ event }) => event).filter((kind) => kind !== 'progress'));
  expect(kinds).toEqual(new Set(['run', 'evaluation', 'committed', 'stage-ended', 'anchor-moved']));
  expect(events.at(-1)).toMatchObject({ event: 'run', phase: 'completed' });
  const roles = events.flatMap(({ event, role }) => (event === 'evaluation' ? [role] : []));
  expect(roles.filter((role) => role === 'student')).toHaveLength(6);
  expect(roles.filter((role) => role === 'teacher')).toHaveLength(6);
  expect(stdout).not.toContain('\u001b');
  expect(
    stdout
      .slice(table)
      .trimEnd()
      .split('\n')
      .map((line) => /^[┌│├└]|^[a-z]+ {2,}\S/.test(line)),
  ).not.toContain(false);
});

const long: WrittenSpec = { ...tiny, name: 'long', epochs: 100, evaluation: { everyEpochs: 5 } };

test('when the reader of its output leaves, the run rests', async () => {
  const folder = scratch();
  const running = startRun(folder, long, '--in-process');
  await running.said(({ event }) => event === 'evaluation');
  running.leave();
  const { status, stderr } = await running.ended;
  expect(stderr).toMatch(/^run long is paused at step \d+ of generation 0; the same command continues it$/m);
  expect(status).toBe(0);
  await expectNoProcess(folder);
});

describe('a result of megabytes', () => {
  /** Eight runs of 500 kB each. */
  const large = async () => {
    const runs = Array.from({ length: 8 }, (_, index) => toldRun(`run-${index}`, RunPhase.RUN_PHASE_FAILED));
    const { address } = await fakeRunService(runs.map((run) => ({ ...run, failure: 'x'.repeat(500_000) })));
    return ['runs', 'list', '--server', address];
  };

  test.each(['json', 'yaml'])('reaches a reader that is slower than the command: %s', async (format) => {
    const { status, stdout } = await trikd([...(await large()), '-o', format]).ended;
    expect(status).toBe(0);
    expect(parse(stdout).runs.map(({ failure }: { readonly failure: string }) => failure.length)).toEqual(
      Array.from({ length: 8 }, () => 500_000),
    );
  });

  test('ends quietly when its reader takes one line', async () => {
    const command = `'${process.execPath}' '${MAIN}' "$@" | head -1`;
    const args = ['-c', command, 'sh', ...(await large()), '-o', 'json'];
    const { stdout, stderr } = await promisify(execFile)('sh', args);
    expect({ stdout, stderr }).toEqual({ stdout: '{\n', stderr: '' });
  });
});

describe('on a terminal', () => {
  const onTerminal = (folder: string, spec: WrittenSpec, ...more: readonly string[]) =>
    trikdOnTerminal({ columns: 140, rows: 40 }, [
      'run',
      specFile(folder, spec),
      '--store',
      join(folder, 'runs'),
      ...more,
    ]);

  test('there is a line for each role that trains, drawn anew in place, and a table at the end', async () => {
    const { status, stdout } = await onTerminal(scratch(), { ...long, curriculum: { generations: 1 } }, '--in-process')
      .ended;
    expect(status).toBe(0);
    const text = stripVTControlCharacters(stdout);
    const steps = (role: string) =>
      [...text.matchAll(new RegExp(`^${role} +step +(\\d+)/800 .*steps/s`, 'gm'))].map(([, step]) => Number(step));
    for (const role of ['student', 'teacher']) {
      expect(steps(role).length).toBeGreaterThan(2);
      expect(steps(role)).toEqual(steps(role).toSorted((a, b) => a - b));
    }
    expect(text).toMatch(/^student .* task \d\.\d+ .*teacher \d\.\d+ .*validation \d+\.\d %.* waits teacher \d+ %/m);
    expect(text).toMatch(/^long · generation 0 \(1 of 1\) · completed/m);
    expect(stdout).toContain('\u001b[');
    expect(text).toMatch(/┌─.*\r?\n│ stage │ model/);
    expect(text).not.toMatch(/^\{/m);
  });

  test('of unknown size, there are lines of JSON as without a terminal', async () => {
    const folder = scratch();
    const args = ['run', specFile(folder, tiny), '--store', join(folder, 'runs'), '--in-process'];
    const { status, stdout } = await trikdOnTerminal({ columns: 0, rows: 0 }, args).ended;
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\{"event":"run","phase":"completed".*\}\r?$/m);
  });

  test('Ctrl-C on the keyboard reaches only the command, which rests the run', async () => {
    const folder = scratch();
    const running = onTerminal(folder, long);
    await running.drew(/^student +step +\d/m);
    running.type('\u0003');
    const { status, stdout } = await running.ended;
    expect(status).toBe(0);
    expect(stripVTControlCharacters(stdout)).toMatch(
      /^run long is paused at step \d+ of generation 0; the same command continues it\r?$/m,
    );
    await expectNoProcess(folder);
  });

  test('that is closed, the run rests and goes on later', async () => {
    const folder = scratch();
    const running = onTerminal(folder, { ...long, curriculum: { generations: 1 } }, '--in-process');
    await running.drew(/^student +step +\d/m);
    running.kill('SIGKILL');
    await running.ended;
    await expectNoProcess(folder, 12_000);
    const continued = await run(folder, { ...long, curriculum: { generations: 1 } }, '--in-process');
    expect(continued.status).toBe(0);
    expect(continued.stderr).toMatch(/^continuing run long: generation 0 \(1 of 1\), from step \d+\n$/);
  });
});
