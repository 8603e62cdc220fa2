import { TrikdError } from '@trikd/core/domain/errors';
import type { TrainerEvent } from '@trikd/core/training/ports';
import { systemClock } from '@trikd/process/system-clock';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { describe, expect, test } from 'vitest';
import type { TrainerLink } from '../ports.js';
import { type TrainingInput, trainingInput } from './training-input.js';

const attempt = { runId: 'trial', stage: 0, attempt: 1 };
const never = new AbortController().signal;
const times = { grace: 5, drain: 5 };

/** A trainer that emits some events, and then fails, ends or goes on for ever. */
function trainer(
  role: 'teacher' | 'student',
  events: readonly TrainerEvent[],
  end: Error | 'ends' | 'goes on',
): TrainerLink {
  return {
    role,
    address: 'here',
    assign: () => Promise.reject(new Error('unexpected call')),
    setLimit: () => Promise.reject(new Error('unexpected call')),
    saveAt: () => Promise.reject(new Error('unexpected call')),
    nextStep: () => Promise.reject(new Error('unexpected call')),
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

async function inputUntil(
  events: AsyncIterable<TrainingInput>,
  enough: (count: number) => boolean,
): Promise<TrainingInput[]> {
  const input: TrainingInput[] = [];
  for await (const item of events) {
    input.push(item);
    if (enough(input.length)) break;
  }
  return input;
}

const signals = { drained: never, abandoned: never };

describe('the input of the training loop', () => {
  test('merges the events of both trainers, and stops watching them with its reader', async () => {
    const trainers = [trainer('teacher', [saved(2)], 'goes on'), trainer('student', [saved(2)], 'goes on')];
    const input = await inputUntil(
      trainingInput(trainers, attempt, signals, times, systemClock),
      (count) => count === 2,
    );
    expect(input.map((item) => item.kind === 'trainer-event' && item.role).sort()).toEqual(['student', 'teacher']);
  });

  test('throws the cause, not its consequence, and only after everything that was saved', async () => {
    const consequence = new TrikdError('unavailable', 'the peer is gone');
    const cause = new TrikdError('diverged', 'loss is NaN');
    const trainers = [trainer('student', [saved(2)], consequence), trainer('teacher', [saved(2), resting(4)], cause)];
    const input: TrainingInput[] = [];
    const reading = async () => {
      for await (const item of trainingInput(trainers, attempt, signals, times, systemClock)) input.push(item);
    };
    await expect(reading()).rejects.toBe(cause);
    expect(
      input.flatMap((item) => (item.kind === 'trainer-event' && item.event.kind === 'checkpoint' ? [item.role] : [])),
    ).toEqual(expect.arrayContaining(['student', 'teacher']));
  });

  test('takes the end of an event stream for a loss, unless the trainer has trained all steps', async () => {
    const lost = trainingInput(
      [trainer('teacher', [saved(2)], 'ends')],
      attempt,
      signals,
      { ...times, grace: 0.01 },
      systemClock,
    );
    await expect(inputUntil(lost, () => false)).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'the teacher at here ended its event stream',
    });
    const trainers = [trainer('teacher', [resting(8)], 'ends'), trainer('student', [resting(8)], 'goes on')];
    expect(
      await inputUntil(trainingInput(trainers, attempt, signals, times, systemClock), (count) => count === 2),
    ).toHaveLength(2);
  });

  test('has the request to drain, and a drain that takes too long', async () => {
    const drain = AbortSignal.abort();
    const events = trainingInput(
      [trainer('teacher', [], 'goes on')],
      attempt,
      { ...signals, drained: drain },
      { grace: 1, drain: 0.01 },
      systemClock,
    );
    expect(await inputUntil(events, (count) => count === 2)).toEqual([{ kind: 'drain' }, { kind: 'drain-overdue' }]);
  });

  test('requests one save, however often its time has passed while no event was read', async () => {
    const clock = virtualClock();
    const drain = new AbortController();
    const trainers = [trainer('teacher', [saved(2)], 'goes on')];
    const saving = { ...times, save: 0.1 };
    const input = trainingInput(trainers, attempt, { ...signals, drained: drain.signal }, saving, clock);
    const kinds = [(await input.next()).value?.kind];
    await clock.advance(60_000);
    drain.abort();
    for (const _ of ['save', 'drain']) kinds.push((await input.next()).value?.kind);
    const next = input.next();
    await clock.advance(100);
    kinds.push((await next).value?.kind);
    expect(kinds).toEqual(['trainer-event', 'save', 'drain', 'save']);
    await input.return(undefined);
  });

  test('throws the reason when another orchestrator drives the run', async () => {
    const trainers = [trainer('teacher', [], 'goes on'), trainer('student', [], 'goes on')];
    const left = new AbortController();
    const events = inputUntil(
      trainingInput(trainers, attempt, { ...signals, abandoned: left.signal }, times, systemClock),
      () => false,
    );
    const reason = new TrikdError('out-of-step', 'another orchestrator leads');
    left.abort(reason);
    await expect(events).rejects.toBe(reason);
  });

  test('has the loss of the connection to a trainer, and its return', async () => {
    const flaky: TrainerLink = {
      ...trainer('student', [], 'goes on'),
      watch: async function* (_attempt, signal, connection) {
        connection?.('no route');
        connection?.(undefined);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    };
    const input = trainingInput([flaky], attempt, signals, times, systemClock);
    expect(await inputUntil(input, (count) => count === 2)).toEqual([
      { kind: 'trainer-lost', role: 'student', reason: 'no route' },
      { kind: 'trainer-back', role: 'student' },
    ]);
  });
});
