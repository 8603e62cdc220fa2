import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { memoryBlobs } from '@trikd/testing/training/lone-ports';
import { type Pair, type PairStart, startPair } from '@trikd/testing/training/pair';
import { beforeAll, describe, expect, test } from 'vitest';
import { TrikdError } from '../domain/errors.js';
import type { TrainedRole } from '../domain/position.js';
import type { Blob } from '../domain/role-checkpoint.js';
import { type ReferenceRun, runReferenceStage } from '../reference/reference.js';
import { stageAt } from '../stages/stages-of.js';

const spec = specFor('tiny');
const dataset = datasetFor(spec);
const blobs = memoryBlobs();
const run: ReferenceRun = { spec, dataset, ...blobs, clock: virtualClock() };
const over = new TrikdError('wrong-state', 'the test is over');

const digests = (pair: Pair) => {
  const { teacher, student } = pair.checkpoints();
  return { teacher: teacher.state.sha256, student: student.state.sha256 };
};

/** Both stages as the reference trains them. */
const whole: { anchor: Blob; digests: Record<TrainedRole, string>; best: Record<TrainedRole, number> }[] = [];

beforeAll(async () => {
  let anchor: Blob | undefined;
  for (const stageIndex of [0, 1]) {
    const stage = stageAt(spec, stageIndex, anchor !== undefined);
    const { learners } = await runReferenceStage(run, stage, anchor ? { anchor } : {});
    const [teacher, student] = [learners['teacher']!, learners['student']!];
    anchor = student.best!.params;
    whole.push({
      anchor,
      digests: { teacher: teacher.state.sha256, student: student.state.sha256 },
      best: { teacher: teacher.best!.step, student: student.best!.step },
    });
  }
});

const start = (stage: number, changes: Partial<PairStart> = {}) =>
  startPair({ spec, dataset, blobs, stage, ...(stage > 0 && { anchor: whole[0]!.anchor }), ...changes });

describe.each([0, 1])('a pair of stage %d', (stage) => {
  test('ends with the bits of the reference', async () => {
    const pair = await start(stage);
    await pair.ended;
    expect(digests(pair)).toEqual(whole[stage]!.digests);
    await pair.abandon(over);
  });

  test.each([1, 4, 7])('that was killed at step %d and resumed ends with the same bits', async (step) => {
    const first = await start(stage, { limit: step });
    await first.resting(step);
    const from = first.checkpoints();
    expect([from.teacher.step, from.student.step]).toEqual([step, step]);
    await first.abandon(over);
    const second = await start(stage, { from });
    await second.ended;
    expect(digests(second)).toEqual(whole[stage]!.digests);
    const { teacher, student } = second.checkpoints();
    expect({ teacher: teacher.best!.step, student: student.best!.step }).toEqual(whole[stage]!.best);
    await second.abandon(over);
  });

  test('rests at its limit and goes on when it is moved, with the same bits', async () => {
    const pair = await start(stage, { limit: 3 });
    await pair.resting(3);
    const steps = pair.events.flatMap(([, event]) => (event.kind === 'progress' ? [event.progress.nextStep] : []));
    expect(Math.max(...steps)).toBe(3);
    pair.moveLimit(5);
    await pair.resting(5);
    pair.moveLimit(100);
    await pair.ended;
    expect(digests(pair)).toEqual(whole[stage]!.digests);
    await pair.abandon(over);
  });

  test('hears whom its objective names', async () => {
    const pair = await start(stage, { limit: 1 });
    await pair.resting(1);
    const parts = pair.events.flatMap(([, event]) =>
      event.kind === 'progress' ? [event.progress.terms.map(({ part }) => part)] : [],
    );
    const anchor = stage === 0 ? [] : ['anchor'];
    expect(parts.map((names) => names.join())).toEqual(
      expect.arrayContaining([['task', ...anchor, 'student'].join(), ['task', ...anchor, 'teacher'].join()]),
    );
    await pair.abandon(over);
  });
});

describe('a pair that loses its anchor', () => {
  test.each([
    [5, 5],
    [5, 7],
    [7, 5],
  ])(
    'leaves one step and goes on from it with the same bits: the teacher hears it up to step %d, the student up to %d',
    async (teacher, student) => {
      const first = await start(1, { anchorGone: { teacher, student } });
      expect((await first.failures).map((failure) => failure instanceof TrikdError && failure.kind)).toEqual([
        teacher > student ? 'out-of-step' : 'unavailable',
        student > teacher ? 'out-of-step' : 'unavailable',
      ]);
      const from = first.checkpoints();
      expect([from.teacher.step, from.student.step]).toEqual([5, 5]);
      await first.abandon(over);
      const second = await start(1, { from });
      await second.ended;
      expect(digests(second)).toEqual(whole[1]!.digests);
      await second.abandon(over);
    },
  );
});

test('a pair that saves when it is asked to ends with the same bits, and so does one that goes on from there', async () => {
  const first = await start(0, { savesAt: [5, 6, 10] });
  await first.ended;
  expect(digests(first)).toEqual(whole[0]!.digests);
  const at = (role: TrainedRole) =>
    first.events.flatMap(([who, event]) =>
      who === role && event.kind === 'checkpoint' && event.checkpoint.step === 6 ? [event.checkpoint] : [],
    )[0]!;
  const second = await start(0, { from: { teacher: at('teacher'), student: at('student') } });
  await second.ended;
  expect(digests(second)).toEqual(whole[0]!.digests);
  await Promise.all([first.abandon(over), second.abandon(over)]);
});

test('stages, roles and seeds end with different bits', () => {
  const all = whole.flatMap(({ digests: both }) => Object.values(both));
  expect(new Set(all).size).toBe(4);
});

test('a pair that is abandoned in the middle settles', async () => {
  const pair = await start(0);
  await pair.abandon(over);
  await expect(pair.ended).rejects.toBe(over);
});
