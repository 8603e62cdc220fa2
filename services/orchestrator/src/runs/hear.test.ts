import { TrikdError } from '@trikd/core/domain/errors';
import type { TrainerEvent } from '@trikd/core/training/trainer-event';
import { systemClock } from '@trikd/process/system-clock';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { describe, expect, test } from 'vitest';
import { type Heard, hear } from './hear.js';
import type { TrainerLink } from './ports.js';

const attempt = { runId: 'trial', generation: 0, attempt: 1 };
const never = new AbortController().signal;
const times = { grace: 5, drain: 5 };

/** A trainer that reports what it is given, and then fails, ends or goes on for ever. */
function trainer(
  role: 'teacher' | 'student',
  events: readonly TrainerEvent[],
  end: Error | 'ends' | 'goes on',
): TrainerLink {
  return {
    role,
    address: 'here',
    assign: () => Promise.reject(new Error('not asked for')),
    setLimit: () => Promise.reject(new Error('not asked for')),
    saveAt: () => Promise.reject(new Error('not asked for')),
    nextStep: () => Promise.reject(new Error('not asked for')),
    past: async function* () {},
    watch: async function* (_attempt, signal) {
      yield* events;
      if (end instanceof Error) throw end;
      if (end === 'goes on') await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
  };
}

const resting = (nextStep: number): TrainerEvent => ({ kind: 'resting', nextStep });
const saved = (step: number): TrainerEvent => ({
  kind: 'checkpoint',
  checkpoint: { step, state: { key: 'k', sha256: 'a', bytes: 1 } },
});

async function heardUntil(events: AsyncIterable<Heard>, enough: (count: number) => boolean): Promise<Heard[]> {
  const heard: Heard[] = [];
  for await (const item of events) {
    heard.push(item);
    if (enough(heard.length)) break;
  }
  return heard;
}

const signals = { drained: never, abandoned: never };

describe('hear', () => {
  test('brings both reports together and leaves when nobody listens any more', async () => {
    const trainers = [trainer('teacher', [saved(2)], 'goes on'), trainer('student', [saved(2)], 'goes on')];
    const heard = await heardUntil(hear(trainers, attempt, signals, times, systemClock), (count) => count === 2);
    expect(heard.map((item) => item.kind === 'trainer' && item.role).sort()).toEqual(['student', 'teacher']);
  });

  test('throws the cause, not its consequence, and only after everything that was saved', async () => {
    const consequence = new TrikdError('unavailable', 'the peer is gone');
    const cause = new TrikdError('diverged', 'loss is NaN');
    const trainers = [trainer('student', [saved(2)], consequence), trainer('teacher', [saved(2), resting(4)], cause)];
    const heard: Heard[] = [];
    const listening = async () => {
      for await (const item of hear(trainers, attempt, signals, times, systemClock)) heard.push(item);
    };
    await expect(listening()).rejects.toBe(cause);
    expect(
      heard.flatMap((item) => (item.kind === 'trainer' && item.event.kind === 'checkpoint' ? [item.role] : [])),
    ).toEqual(expect.arrayContaining(['student', 'teacher']));
  });

  test('takes the end of a report for a loss, unless the trainer rests', async () => {
    const lost = hear(
      [trainer('teacher', [saved(2)], 'ends')],
      attempt,
      signals,
      { ...times, grace: 0.01 },
      systemClock,
    );
    await expect(heardUntil(lost, () => false)).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'the teacher at here ended its report',
    });
    const trainers = [trainer('teacher', [resting(8)], 'ends'), trainer('student', [resting(8)], 'goes on')];
    expect(await heardUntil(hear(trainers, attempt, signals, times, systemClock), (count) => count === 2)).toHaveLength(
      2,
    );
  });

  test('tells of the wish to drain, and of a drain that takes too long', async () => {
    const drain = AbortSignal.abort();
    const events = hear(
      [trainer('teacher', [], 'goes on')],
      attempt,
      { ...signals, drained: drain },
      { grace: 1, drain: 0.01 },
      systemClock,
    );
    expect(await heardUntil(events, (count) => count === 2)).toEqual([{ kind: 'drain' }, { kind: 'drain-overdue' }]);
  });

  test('asks once for a save, however often its time has passed while no event was read', async () => {
    const clock = virtualClock();
    const drain = new AbortController();
    const reports = trainer('teacher', [saved(2)], 'goes on');
    const heard = hear([reports], attempt, { ...signals, drained: drain.signal }, { ...times, save: 0.1 }, clock);
    const kinds = [(await heard.next()).value?.kind];
    await clock.advance(60_000);
    drain.abort();
    for (const _ of ['save', 'drain']) kinds.push((await heard.next()).value?.kind);
    const next = heard.next();
    await clock.advance(100);
    kinds.push((await next).value?.kind);
    expect(kinds).toEqual(['trainer', 'save', 'drain', 'save']);
    await heard.return(undefined);
  });

  test('ends with the reason for which it concerns nobody here any more', async () => {
    const trainers = [trainer('teacher', [], 'goes on'), trainer('student', [], 'goes on')];
    const left = new AbortController();
    const events = heardUntil(
      hear(trainers, attempt, { ...signals, abandoned: left.signal }, times, systemClock),
      () => false,
    );
    const reason = new TrikdError('out-of-step', 'another orchestrator leads');
    left.abort(reason);
    await expect(events).rejects.toBe(reason);
  });
});
