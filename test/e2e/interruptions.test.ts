import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { casesOf } from './cases.js';
import { reference, resultOf } from './outcome.js';
import { expectNoProcess, pidOf, processesOf } from './processes.js';
import { type Command, type Ended, type Line, run, scratch, startRun } from './trikd.js';

const tiny = writtenSpec('two stages');

/** Stages long enough to be interrupted: 800 steps, saved rarely. */
const long: WrittenSpec = { ...tiny, name: 'long', epochs: 100, checkpoint: { everyEpochs: 30 } };
const undisturbed = reference(long);

/** The student has been validated in the middle of a stage. */
const inTheMiddleOf = (stage: number) => (line: Line) =>
  line.event === 'evaluation' && line.stage === stage && Number(line.step) >= 40;

const SERVICES = ['anchor-server', 'orchestrator', 'student-trainer', 'teacher-trainer'];

const continuing = /^continuing run long: generation \d \([12] of 2\), from (step \d+|its beginning)$/m;

/** Asks the command to end, which must take less than a time and leave no process. */
async function expectEnd(folder: string, running: Command, signal: NodeJS.Signals, ms: number): Promise<Ended> {
  const asked = performance.now();
  running.kill(signal);
  const ended = await running.ended;
  expect(performance.now() - asked).toBeLessThan(ms);
  await expectNoProcess(folder, 2000);
  return ended;
}

/** Starts the command again, and freezes a trainer after the next checkpoint. The first Ctrl-C is answered. */
async function interruptFrozen(folder: string): Promise<Command> {
  const running = startRun(folder, long);
  await running.said(({ event }) => event === 'committed');
  process.kill(pidOf('student-trainer', folder), 'SIGSTOP');
  running.kill('SIGINT');
  await running.complained(/^pausing at the next step that both trainers reach; Ctrl-C again stops at once$/m);
  return running;
}

/** What interrupts a run that goes on each time, in this order. */
const INTERRUPTIONS: Readonly<Record<string, (folder: string) => Promise<string>>> = {
  async 'SIGTERM rests it at a checkpoint within 10 s'(folder) {
    const running = startRun(folder, long);
    await running.said(inTheMiddleOf(0));
    expect(processesOf(folder).map(({ name }) => name)).toEqual(expect.arrayContaining(SERVICES));
    const { status, stderr } = await expectEnd(folder, running, 'SIGTERM', 10_000);
    expect(status).toBe(0);
    const rests = /^run long is paused at step (\d+) of generation 0; the same command continues it$/m;
    expect(stderr).toMatch(rests);
    expect(Number(rests.exec(stderr)?.[1])).toBeGreaterThan(40);
    return stderr;
  },
  async 'Ctrl-C while a trainer is frozen rests it at its last checkpoint within 10 s'(folder) {
    const running = await interruptFrozen(folder);
    const asked = performance.now();
    const { status, stderr } = await running.ended;
    expect(performance.now() - asked).toBeLessThan(10_000);
    await expectNoProcess(folder);
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^run long is paused at (step \d+ of generation 0|its last checkpoint); the same command continues it$/m,
    );
    return stderr;
  },
  async 'a second Ctrl-C ends everything at once'(folder) {
    const running = await interruptFrozen(folder);
    const { status, stderr } = await expectEnd(folder, running, 'SIGINT', 2000);
    expect(status).toBe(130);
    return stderr;
  },
  async 'the command is killed, and its services end by themselves'(folder) {
    const running = startRun(folder, long);
    await running.said(inTheMiddleOf(1));
    running.kill('SIGKILL');
    const { signal, stderr } = await running.ended;
    expect(signal).toBe('SIGKILL');
    await expectNoProcess(folder, 10_000);
    return stderr;
  },
};

test('interrupted in every way and taken over by a second command, a run ends with the digests of an undisturbed one', async () => {
  const folder = scratch();
  for (const [index, [what, interrupt]] of Object.entries(INTERRUPTIONS).entries()) {
    const stderr = await interrupt(folder);
    if (index > 0) expect(stderr, what).toMatch(continuing);
  }
  const first = startRun(folder, long);
  await first.said(inTheMiddleOf(1));
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
  expect(resultOf(ended)).toEqual({ phase: 'completed', stages: await undisturbed });
  await expectNoProcess(folder);
});

test.each(casesOf([], ['SIGINT'] as const))(
  '%s at every phase, and a run ends with the same digests',
  async (signal) => {
    const folder = scratch();
    const moments: readonly ((line: Line) => boolean)[] = [
      (line) => line.event === 'run' && line.phase === 'preparing',
      (line) => line.event === 'run' && line.phase === 'training',
      inTheMiddleOf(0),
      (line) => line.event === 'run' && line.phase === 'promoting',
      (line) => line.event === 'run' && line.stage === 1,
      inTheMiddleOf(1),
    ];
    for (const moment of moments) {
      const running = startRun(folder, long);
      await running.said(moment);
      running.kill(signal);
      expect(await running.ended).toMatchObject({ status: 0 });
      await expectNoProcess(folder);
    }
    const { phase, stages } = resultOf(await run(folder, long));
    expect({ phase, stages }).toEqual({ phase: 'completed', stages: await undisturbed });
  },
);

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
