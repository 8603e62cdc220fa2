import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { reference, resultOf } from './outcome.js';
import { expectNoProcess, pidOf, processesOf } from './processes.js';
import { type Line, run, scratch, startRun } from './trikd.js';

const tiny = writtenSpec('two stages');

/** The student of a generation has been validated in its middle. */
const inTheMiddleOf = (stage: number) => (line: Line) =>
  line.event === 'evaluation' && line.stage === stage && Number(line.step) >= 40;

test('killed and paused in one process and in four, a run ends with the bits of an undisturbed one', async () => {
  const spec: WrittenSpec = { ...tiny, name: 'modes', epochs: 60, checkpoint: { everyEpochs: 5 } };
  const folder = scratch();
  const expected = reference(spec);

  const killed = startRun(folder, spec, '--in-process');
  await killed.said(inTheMiddleOf(0));
  expect(processesOf(folder).filter(({ name }) => /orchestrator|server|trainer/.test(name))).toMatchObject([
    { name: 'orchestrator' },
  ]);
  process.kill(pidOf('orchestrator', folder), 'SIGKILL');
  expect(await killed.ended).toMatchObject({ status: 1, stderr: expect.stringContaining('SIGKILL') });
  await expectNoProcess(folder);

  const services = startRun(folder, spec);
  await services.said(inTheMiddleOf(1));
  services.kill('SIGKILL');
  await services.ended;
  await expectNoProcess(folder, 10_000);

  const paused = startRun(folder, spec, '--in-process');
  await paused.said(({ event, phase }) => event === 'run' && phase === 'training');
  paused.kill('SIGINT');
  const { status, stderr } = await paused.ended;
  expect(status).toBe(0);
  expect(stderr).toMatch(/^continuing run modes: generation 1 \(2 of 2\), from step \d+$/m);
  expect(stderr).toMatch(/^run modes is paused at .*; the same command continues it$/m);
  await expectNoProcess(folder);

  const ended = await run(folder, spec, '--in-process');
  expect(resultOf(ended)).toEqual({ phase: 'completed', stages: await expected });
  await expectNoProcess(folder);
});
