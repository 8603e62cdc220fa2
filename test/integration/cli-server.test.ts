import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { RunPhase, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { runProgram } from '../../services/cli/src/program.js';
import { fakeRunService, toldRun } from './fake-run-service.js';
import { printedBy } from './printed.js';

const training = toldRun('mine', RunPhase.RUN_PHASE_TRAINING);
const numbered = (number: number, event: WatchRunResponse['event']): WatchRunResponse => ({
  ...{ event, number, time: new Date(Date.UTC(2026, 0, 1)) },
});
const committed = (number: number, step: number) =>
  numbered(number, { $case: 'committed', value: { stage: 0, step, manifestKey: 'm' } });
const stands = (phase: RunPhase, number = 0) => numbered(number, { $case: 'run', value: { ...training, phase } });

/** `trikd WORDS` against a server. */
const trikd = (address: string, ...words: readonly string[]) =>
  printedBy((shell) => runProgram([...words, '--server', address], shell));

describe('trikd runs', () => {
  test('lists all runs, page after page, and those of a phase alone', async () => {
    const runs = ['a', 'b', 'c', 'd', 'e'].map((name) => toldRun(name, RunPhase.RUN_PHASE_TRAINING));
    const { address, asked } = await fakeRunService([...runs, toldRun('f', RunPhase.RUN_PHASE_PAUSED)]);
    const { status, stdout } = await trikd(address, 'runs', 'list', '-o', 'json');
    expect({ status, names: JSON.parse(stdout).runs.map((run: { runId: string }) => run.runId) }).toEqual({
      ...{ status: 0, names: ['a', 'b', 'c', 'd', 'e', 'f'] },
    });
    expect(asked.map(({ request }) => request)).toMatchObject([
      { pageToken: '' },
      { pageToken: '2' },
      { pageToken: '4' },
    ]);
    const paused = await trikd(address, 'runs', 'list', '--phase', 'paused');
    expect(paused.stdout).toMatch(/f +│ paused/);
    expect(paused.stdout).not.toMatch(/training/);
  });

  test('shows the queue: the runs that wait or train, and asks for no others', async () => {
    const runs = [
      toldRun('a', RunPhase.RUN_PHASE_QUEUED),
      toldRun('b', RunPhase.RUN_PHASE_TRAINING),
      toldRun('c', RunPhase.RUN_PHASE_PAUSED),
    ];
    const { address, asked } = await fakeRunService(runs);
    const { status, stdout } = await trikd(address, 'queue', '-o', 'json');
    const { queued, placed } = JSON.parse(stdout);
    expect({ status, queued, placed }).toMatchObject({ status: 0, queued: [{ runId: 'a' }], placed: [{ runId: 'b' }] });
    expect(asked).toMatchObject([{ method: 'listRuns', request: { phases: [9, 1, 2, 3] } }]);
    expect((await trikd(address, 'queue')).stdout).toMatch(/│ a +│[\s\S]*│ b +│/);
  });

  test.each([
    ['runs pause', 'pauseRun', 'paused'],
    ['runs resume', 'resumeRun', 'preparing'],
    ['runs cancel', 'cancelRun', 'cancelled'],
    ['generation trigger', 'triggerGeneration', 'preparing'],
  ])('%s asks once, with the id of the request, and says where the run stands', async (words, method, phase) => {
    const { address, asked } = await fakeRunService([training]);
    const { status, stdout } = await trikd(address, ...words.split(' '), 'mine', '--request-id', 'id-1');
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: `run mine is ${phase}: stage 0, attempt 1\n`,
    });
    expect(asked).toEqual([{ method, request: { runId: 'mine', requestId: 'id-1' } }]);
  });

  test.each(['promote', 'rollback'])('generation %s names the stage, and makes an id of its own', async (verb) => {
    const { address, asked } = await fakeRunService([training]);
    expect(await trikd(address, 'generation', verb, 'mine', '2', '-o', 'json')).toMatchObject({ status: 0 });
    expect(asked[0]?.request).toEqual({
      ...{ runId: 'mine', stage: 2, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
  });

  test('tags are added and removed, also those that begin as an option does', async () => {
    const { address, asked } = await fakeRunService([training]);
    const { status, stdout } = await trikd(address, 'runs', 'tag', 'mine', '+b', '-old', '-help', '+set=3');
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'b\nset=3\n' });
    expect(asked).toEqual([
      { method: 'tagRun', request: { runId: 'mine', add: ['b', 'set=3'], remove: ['old', 'help'] } },
    ]);
    expect(await trikd(address, 'runs', 'tag', 'mine', 'b')).toMatchObject({
      ...{ status: 2, stderr: expect.stringContaining("'b' is neither +TAG nor -TAG") },
    });
  });

  test('nothing is removed unless it is said to be meant', async () => {
    const { address, asked } = await fakeRunService([training]);
    const { status, stderr } = await trikd(address, 'runs', 'delete', 'mine');
    expect({ status, stderr, asked }).toEqual({
      status: 2,
      stderr: expect.stringMatching(/results\? Confirm with --yes\./),
      asked: [],
    });
    expect(await trikd(address, 'runs', 'delete', 'mine', '--yes')).toMatchObject({
      ...{ status: 0, stdout: expect.stringMatching(/^run mine is deleted/) },
    });
  });

  test('the status is 3 for an unknown run and for a forbidden state, and 4 for an unreachable server', async () => {
    const { address } = await fakeRunService([training]);
    expect(await trikd(address, 'runs', 'get', 'other')).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/there is no run other\n`trikd runs list`/),
    });
    const refusing = await fakeRunService([training], [], new TrikdError('wrong-state', 'it does not wait'));
    expect(await trikd(refusing.address, 'generation', 'trigger', 'mine')).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/it does not wait\n`trikd runs get mine`/),
    });
    // A server that has ended leaves a port without a listener.
    expect(await trikd('unix:/missing/socket', 'runs', 'pause', 'mine', '--timeout', '1')).toMatchObject({
      status: 4,
      stderr: expect.stringMatching(/--request-id \S+ is safe\n.*TRIKD_SERVER/),
    });
  });

  test.each([
    ['invalid', 'run mine exists with another spec'],
    ['wrong-state', 'run mine has ended'],
    ['not-found', 'there is no generation 7'],
  ] as const)('a request that is rejected ends with 3: %s', async (kind, reason) => {
    const { address } = await fakeRunService([training], [], new TrikdError(kind, reason));
    expect(await trikd(address, 'run', 'examples/tiny.yaml')).toMatchObject({ status: 3 });
    expect(await trikd(address, 'generation', 'promote', 'mine', '7')).toMatchObject({ status: 3 });
  });

  test('a run that has to wait for another one names that one', async () => {
    const refusal = new TrikdError('wrong-state', 'run first is being trained', { run: 'first' });
    const { address } = await fakeRunService([], [], refusal);
    const { status, stderr } = await trikd(address, 'run', 'examples/tiny.yaml');
    expect({ status, stderr }).toEqual({
      status: 3,
      stderr: expect.stringMatching(/run first is being trained\n`trikd runs wait first` waits until it ends\n$/),
    });
  });

  test('a watch goes on after the last event that was read when the connection breaks, and when the leader drains', async () => {
    const first = { messages: [stands(RunPhase.RUN_PHASE_TRAINING), committed(7, 2), committed(9, 4)], breaks: true };
    const drained = numbered(12, { $case: 'drained', value: { stage: 0, step: 5 } });
    const second = { messages: [stands(RunPhase.RUN_PHASE_TRAINING), drained] };
    const third = { messages: [stands(RunPhase.RUN_PHASE_TRAINING), stands(RunPhase.RUN_PHASE_COMPLETED, 13)] };
    const { address, asked } = await fakeRunService([training], [first, second, third]);
    const { status, stdout } = await trikd(address, 'runs', 'watch', 'mine', '--from-event', '5', '-o', 'json');
    expect(status).toBe(0);
    expect(asked.slice(1).map(({ request }) => request)).toMatchObject([
      { fromEvent: 5 },
      { fromEvent: 10 },
      { fromEvent: 13 },
    ]);
    const numbers = stdout
      .trimEnd()
      .split('\n')
      .flatMap((line) => JSON.parse(line).number ?? []);
    expect(numbers.map(Number)).toEqual([7, 9, 12, 13]);
  });

  test('a watch ends with 1 when the run fails', async () => {
    const { address } = await fakeRunService([training], [{ messages: [stands(RunPhase.RUN_PHASE_FAILED)] }]);
    expect(await trikd(address, 'runs', 'watch', 'mine')).toMatchObject({
      ...{ status: 1, stdout: expect.stringMatching(/run mine has failed: stage 0/) },
    });
  });
});

describe('control characters of a peer never reach the output', () => {
  /** Sets the title of a window, rings, clears the screen and turns the direction of text. */
  const hostile = '\u001b]0;title\u0007\u009b2J\u202e\u001b[31mred';
  const clean = /^[\P{C}\n]*$/u;
  const run = { ...toldRun('mine', RunPhase.RUN_PHASE_FAILED), failure: hostile };
  const stalled = { ...run, stalls: [{ by: hostile, on: hostile, reason: hostile }] };

  test.each([
    ['runs', 'get', 'mine'],
    ['runs', 'get', 'mine', '-o', 'yaml'],
    ['runs', 'get', 'mine', '-o', 'json'],
    ['runs', 'list', '-o', 'json'],
    ['runs', 'cancel', 'mine'],
    ['runs', 'watch', 'mine'],
    ['runs', 'watch', 'mine', '-o', 'yaml'],
  ])('%s %s %s %s %s', async (...words) => {
    const alarm = { participant: 'student', stage: 0, alarm: { kind: 0, step: 1, message: hostile } };
    const messages = [
      numbered(1, { $case: 'alarm', value: { ...alarm } }),
      numbered(2, { $case: 'run', value: { ...stalled } }),
    ];
    const { address } = await fakeRunService([stalled], [{ messages }]);
    const { stdout } = await trikd(address, ...words);
    expect(stdout).toMatch(clean);
    expect(stdout).toContain('\\u009b2J');
  });

  test('in an error', async () => {
    const { address } = await fakeRunService([], [], new TrikdError('wrong-state', hostile));
    const { status, stderr } = await trikd(address, 'runs', 'pause', 'mine');
    expect({ status, stderr }).toEqual({ status: 3, stderr: expect.stringMatching(clean) });
    expect(stderr).toContain('\\u001b]0;title\\u0007');
  });

  test('in a value of JSON and YAML, which stays the same', async () => {
    const { address } = await fakeRunService([run]);
    for (const format of ['json', 'yaml']) {
      const { stdout } = await trikd(address, 'runs', 'get', 'mine', '-o', format);
      expect(parse(stdout)).toMatchObject({ failure: hostile });
    }
  });
});

describe('with TRIKD_SERVER, what reads the events of a run', () => {
  /** `trikd runs export` of a run whose only event is in a file; the server is named by the environment. */
  async function exported(server: string, ...words: readonly string[]) {
    const folder = mkdtempSync(join(tmpdir(), 'trikd-source-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    mkdirSync(join(folder, 'runs/mine'), { recursive: true });
    const event = WatchRunResponse.toJSON(committed(1, 48));
    writeFileSync(join(folder, 'runs/mine/events.jsonl'), `${JSON.stringify(event)}\n`);
    const before = process.cwd();
    process.chdir(folder);
    onTestFinished(() => process.chdir(before));
    const command = ['runs', 'export', 'mine', '--format', 'jsonl', '--timeout', '1', ...words];
    // Options take the variable from the process.
    process.env['TRIKD_SERVER'] = server;
    onTestFinished(() => void delete process.env['TRIKD_SERVER']);
    const printed = await printedBy((shell) => runProgram(command, shell));
    const steps = () => /"step":(\d+)/.exec(readFileSync(join(folder, 'mine/events.jsonl'), 'utf8'))?.[1];
    return { ...printed, steps };
  }

  test('reads its folder when the server is gone, and says so', async () => {
    const { status, stderr, steps } = await exported('unix:/missing/socket');
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringMatching(/^reading \S+events\.jsonl: TRIKD_SERVER names \S+, which does not answer\n$/),
    });
    expect(steps()).toBe('48');
  });

  test('reads its folder when the server has no such run', async () => {
    const { address } = await fakeRunService([toldRun('other', RunPhase.RUN_PHASE_TRAINING)]);
    const { status, stderr, steps } = await exported(address);
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringMatching(/which does not have this run\n$/) });
    expect(steps()).toBe('48');
  });

  test('asks the server first', async () => {
    const { address } = await fakeRunService([training], [{ messages: [committed(3, 96)] }]);
    const { status, stderr, steps } = await exported(address);
    expect({ status, stderr, steps: steps() }).toEqual({ status: 0, stderr: '', steps: '96' });
  });

  test('asks only the server that an option names', async () => {
    expect(await exported('unix:/unused', '--server', 'unix:/missing/socket')).toMatchObject({ status: 4 });
  });
});

describe('trikd runs wait', () => {
  test('ends as soon as the run is in one of the phases', async () => {
    const { address } = await fakeRunService([training]);
    expect(await trikd(address, 'runs', 'wait', 'mine', '--phase', 'paused', 'training')).toMatchObject({
      ...{ status: 0, stdout: expect.stringMatching(/^run mine is training/) },
    });
  });

  test('ends with 3 when the run has ended otherwise, and with 4 when the time is over', async () => {
    const { address } = await fakeRunService([training, toldRun('over', RunPhase.RUN_PHASE_FAILED)]);
    expect(await trikd(address, 'runs', 'wait', 'over')).toMatchObject({ status: 3 });
    expect(await trikd(address, 'runs', 'wait', 'nobody', '--timeout', '0.1')).toMatchObject({
      ...{ status: 4, stderr: expect.stringMatching(/no run nobody after 0.1 s/) },
    });
  });
});
