import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { describe, expect, test } from 'vitest';
import { casesOf } from './cases.js';
import { reference, resultOf } from './outcome.js';
import { expectNoProcess, pidOf, processesOf } from './processes.js';
import { type Line, run, scratch, startRun } from './trikd.js';

const tiny = writtenSpec('two generations');

/** Generations long enough to be interrupted: 800 steps, saved rarely. */
const long: WrittenSpec = { ...tiny, name: 'long', epochs: 100, checkpoint: { everyEpochs: 30 } };
const undisturbed = reference(long);

/** The student has been validated in the middle of a generation. */
const inTheMiddleOf = (generation: number) => (line: Line) =>
  line.event === 'evaluation' && line.generation === generation && Number(line.step) >= 40;

const SERVICES = ['anchor-server', 'orchestrator', 'student-trainer', 'teacher-trainer'];

async function expectTheSameEnd(folder: string): Promise<void> {
  const continued = await run(folder, long);
  expect(continued.stderr).toMatch(
    /^continuing run long: generation \d \([12] of 2\), from (step \d+|its beginning)\n$/,
  );
  expect(continued.status).toBe(0);
  expect(resultOf(continued)).toEqual({ phase: 'completed', generations: await undisturbed });
  await expectNoProcess(folder);
}

const signals = casesOf<readonly [NodeJS.Signals, number]>([['SIGTERM', 1]], [['SIGINT', 0]]);

describe.for(signals)('%s in the middle of generation %i', ([signal, generation]) => {
  test('rests at a checkpoint within 10 s, leaves no process, and the run goes on to the same digests', async () => {
    const folder = scratch();
    const running = startRun(folder, long);
    await running.said(inTheMiddleOf(generation));
    expect(processesOf(folder).map(({ name }) => name)).toEqual(expect.arrayContaining(SERVICES));
    const asked = performance.now();
    running.kill(signal);
    const { status, stderr } = await running.ended;
    expect(performance.now() - asked).toBeLessThan(10_000);
    await expectNoProcess(folder);
    expect(status).toBe(0);
    const rests = new RegExp(
      `^run long is paused at step (\\d+) of generation ${generation}; the same command continues it$`,
      'm',
    );
    expect(stderr).toMatch(rests);
    expect(Number(rests.exec(stderr)?.[1])).toBeGreaterThan(40);
    await expectTheSameEnd(folder);
  });
});

test('interrupted again and again, at every phase, a run ends with the same digests', async () => {
  const folder = scratch();
  const moments: readonly ((line: Line) => boolean)[] = [
    (line) => line.event === 'run' && line.phase === 'preparing',
    (line) => line.event === 'run' && line.phase === 'training',
    inTheMiddleOf(0),
    (line) => line.event === 'run' && line.phase === 'promoting',
    (line) => line.event === 'run' && line.generation === 1,
    inTheMiddleOf(1),
  ];
  for (const moment of moments) {
    const running = startRun(folder, long);
    await running.said(moment);
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ status: 0 });
    await expectNoProcess(folder);
  }
  const { phase, generations } = resultOf(await run(folder, long));
  expect({ phase, generations }).toEqual({ phase: 'completed', generations: await undisturbed });
});

test('before the services listen, Ctrl-C leaves nothing behind', async () => {
  const folder = scratch();
  const running = startRun(folder, long);
  await expect.poll(() => processesOf(folder).length, { interval: 20, timeout: 20_000 }).toBeGreaterThan(2);
  running.kill('SIGINT');
  expect(await running.ended).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/stopped before its first checkpoint$/m),
  });
  await expectNoProcess(folder);
});

describe('while a trainer is frozen', () => {
  const frozen = async (folder: string) => {
    const running = startRun(folder, long);
    await running.said((line) => line.event === 'committed');
    process.kill(pidOf('student-trainer', folder), 'SIGSTOP');
    const asked = performance.now();
    running.kill('SIGINT');
    await running.complained(/^pausing at the next step that both trainers reach; Ctrl-C again stops at once$/m);
    return { running, asked };
  };

  test('Ctrl-C rests at the last checkpoint within 10 s, and the run goes on to the same digests', async () => {
    const folder = scratch();
    const { running, asked } = await frozen(folder);
    const { status, stderr } = await running.ended;
    expect(performance.now() - asked).toBeLessThan(10_000);
    await expectNoProcess(folder);
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^run long is paused at (step 240 of generation 0|its last checkpoint); the same command continues it$/m,
    );
    await expectTheSameEnd(folder);
  });

  test('a second Ctrl-C ends everything at once, and the run goes on to the same digests', async () => {
    const folder = scratch();
    const { running } = await frozen(folder);
    const asked = performance.now();
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ status: 130 });
    expect(performance.now() - asked).toBeLessThan(2000);
    await expectNoProcess(folder, 2000);
    await expectTheSameEnd(folder);
  });
});

test('when the command is killed, its services end by themselves, and the run goes on to the same digests', async () => {
  const folder = scratch();
  const running = startRun(folder, long);
  await running.said(inTheMiddleOf(1));
  running.kill('SIGKILL');
  expect(await running.ended).toMatchObject({ signal: 'SIGKILL' });
  await expectNoProcess(folder, 10_000);
  await expectTheSameEnd(folder);
});

test('a second command takes the run over, the first one says so, and the digests are the same', async () => {
  const folder = scratch();
  const first = startRun(folder, long);
  await first.said(inTheMiddleOf(0));
  // Held until the other has begun: else it might be through before.
  const held = pidOf('student-trainer', folder);
  process.kill(held, 'SIGSTOP');
  const second = startRun(folder, long);
  await second.said(({ event, phase }) => event === 'run' && phase === 'training');
  process.kill(held, 'SIGCONT');
  const { status, stderr } = await first.ended;
  expect(stderr).toMatch(/^trikd: the orchestrator: another orchestrator drives run long now$/m);
  expect(status).toBe(1);
  const ended = await second.ended;
  expect(ended.status).toBe(0);
  expect(resultOf(ended)).toEqual({ phase: 'completed', generations: await undisturbed });
  await expectNoProcess(folder);
});
