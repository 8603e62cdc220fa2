import { TrikdError } from '@trikd/core/domain/errors';
import { describe, expect, test } from 'vitest';
import { drainLimit } from './drain-limit.js';
import type { TrainerLink } from './ports.js';
import { saveTogether } from './save-together.js';

const attempt = { runId: 'trial', generation: 0, attempt: 1 };

/** A trainer that trains `pace` steps between being asked where it is and being told at which step to do something. */
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
    assign: () => Promise.reject(new Error('not asked for')),
    nextStep: async () => next,
    setLimit: (_attempt, limit) => take(limit, limits),
    saveAt: (_attempt, wanted) => take(wanted, saves),
    watch: async function* () {},
    past: async function* () {},
  };
  return { link, limits, saves };
}

describe('drainLimit', () => {
  test('lets both rest before the same step, a little ahead of the foremost', async () => {
    const [teacher, student] = [trainer('teacher', 10, 1), trainer('student', 12, 1)];
    expect(await drainLimit([teacher.link, student.link], attempt, 100)).toBe(14);
    expect([teacher.limits, student.limits]).toEqual([[14], [14]]);
  });

  test('tries a later step when one of the two was too fast', async () => {
    const [teacher, student] = [trainer('teacher', 10, 0), trainer('student', 10, 3)];
    const step = await drainLimit([teacher.link, student.link], attempt, 100);
    expect(step).toBe(17);
    expect([teacher.limits.at(-1), student.limits.at(-1)]).toEqual([step, step]);
  });

  test('never goes beyond the step at which something is decided', async () => {
    const [teacher, student] = [trainer('teacher', 10, 1), trainer('student', 12, 1)];
    expect(await drainLimit([teacher.link, student.link], attempt, 13)).toBe(13);
    expect([...teacher.limits, ...student.limits]).toEqual([]);
  });

  test('gives up on trainers that cannot be reached or caught', async () => {
    const gone = trainer('teacher', 10, 0, new TrikdError('unavailable', 'gone'));
    await expect(drainLimit([gone.link], attempt, 100)).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(drainLimit([trainer('teacher', 10, 20).link], attempt, 10_000)).rejects.toMatchObject({
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

  test('asks for nothing where they are about to rest', async () => {
    const [teacher, student] = [trainer('teacher', 10, 1), trainer('student', 12, 1)];
    expect(await saveTogether([teacher.link, student.link], attempt, 14)).toBe(14);
    expect([...teacher.saves, ...student.saves]).toEqual([]);
  });
});
