import { TrikdError } from '@trikd/core/domain/errors';
import { describe, expect, test } from 'vitest';
import type { TrainerLink } from '../ports.js';
import { saveTogether, stopTogether } from './training-loop.js';

const attempt = { runId: 'trial', stage: 0, attempt: 1 };

/** A trainer that trains `pace` steps between the call that says where it is and the request for a step. */
function trainer(role: 'teacher' | 'student', step: number, pace: number, refusal?: TrikdError) {
  const [limits, saves]: [number[], number[]] = [[], []];
  let next = step;
  const take = async (wanted: number, taken: number[]) => {
    next += pace;
    if (refusal) throw refusal;
    if (wanted < next) throw new TrikdError('wrong-state', `step ${next} has begun`);
    taken.push(wanted);
  };
  const link: TrainerLink = {
    role,
    address: 'here',
    assign: () => Promise.reject(new Error('unexpected call')),
    nextStep: async () => next,
    setLimit: (_attempt, limit) => take(limit, limits),
    saveAt: (_attempt, wanted) => take(wanted, saves),
    watch: async function* () {},
    past: async function* () {},
  };
  return { link, limits, saves };
}

describe('stopTogether', () => {
  test('stops both before the same step, a little ahead of the foremost', async () => {
    const [teacher, student] = [trainer('teacher', 10, 1), trainer('student', 12, 1)];
    expect(await stopTogether([teacher.link, student.link], attempt, 100)).toBe(14);
    expect([teacher.limits, student.limits]).toEqual([[14], [14]]);
  });

  test('requests a later step when one of the two was too fast', async () => {
    const [teacher, student] = [trainer('teacher', 10, 0), trainer('student', 10, 3)];
    const step = await stopTogether([teacher.link, student.link], attempt, 100);
    expect(step).toBe(17);
    expect([teacher.limits.at(-1), student.limits.at(-1)]).toEqual([step, step]);
  });

  test('never goes beyond the step at which something is decided', async () => {
    const [teacher, student] = [trainer('teacher', 10, 1), trainer('student', 12, 1)];
    expect(await stopTogether([teacher.link, student.link], attempt, 13)).toBe(13);
    expect([...teacher.limits, ...student.limits]).toEqual([]);
  });

  test('gives up on trainers that cannot be reached or caught', async () => {
    const gone = trainer('teacher', 10, 0, new TrikdError('unavailable', 'gone'));
    await expect(stopTogether([gone.link], attempt, 100)).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(stopTogether([trainer('teacher', 10, 20).link], attempt, 10_000)).rejects.toMatchObject({
      kind: 'wrong-state',
    });
  });
});

describe('saveTogether', () => {
  test('lets both save at the same step, a little ahead of the foremost, and moves no limit', async () => {
    const [teacher, student] = [trainer('teacher', 10, 0), trainer('student', 10, 3)];
    const step = await saveTogether([teacher.link, student.link], attempt, 100);
    expect(step).toBe(17);
    expect([teacher.saves.at(-1), student.saves.at(-1)]).toEqual([step, step]);
    expect([...teacher.limits, ...student.limits]).toEqual([]);
  });

  test('requests nothing when they are about to stop at their limit', async () => {
    const [teacher, student] = [trainer('teacher', 10, 1), trainer('student', 12, 1)];
    expect(await saveTogether([teacher.link, student.link], attempt, 14)).toBe(14);
    expect([...teacher.saves, ...student.saves]).toEqual([]);
  });
});
