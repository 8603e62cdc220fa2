import { TrikdError } from '@trikd/core/domain/errors';
import type { TrainerEvent } from '@trikd/core/training/ports';
import type { LocalTrio } from '@trikd/model-host/local-trio';
import { expect, test } from 'vitest';
import { LOCAL_TRIO } from '../placement/open-placement.js';
import { localLinks } from './local-links.js';

const attempt = { runId: 'r', stage: 0, attempt: 1 };
const never = new AbortController().signal;

/** Links to models that do what a test says. */
const linksTo = (trio: object) => {
  const steps = {};
  return localLinks({ anchor: { steps }, teacher: { steps }, student: { steps }, ...trio } as LocalTrio, LOCAL_TRIO);
};

/** Links to a teacher that emits events. */
const emitting = (...events: readonly TrainerEvent[]) => {
  async function* watch() {
    for (const [number, event] of events.entries()) yield { number, event };
  }
  return linksTo({ teacher: { steps: {}, watch } }).trainers.teacher;
};

test('a refusal of a model keeps its kind and names the model', async () => {
  const refused = () => {
    throw new TrikdError('wrong-state', 'cannot rest before step 3');
  };
  const { teacher } = linksTo({ teacher: { steps: {}, setLimit: refused } }).trainers;
  await expect(teacher.setLimit(attempt, 3)).rejects.toEqual(
    new TrikdError('wrong-state', 'the teacher: cannot rest before step 3'),
  );
});

test('a trainer without an assignment has no next step', async () => {
  const { student } = linksTo({ student: { steps: {}, current: () => undefined } }).trainers;
  await expect(student.nextStep()).rejects.toMatchObject({ kind: 'out-of-step' });
});

test('the failure of an attempt is thrown after the events before it', async () => {
  const failure = { kind: 'diverged', message: 'the loss is NaN' } as const;
  const seen: TrainerEvent[] = [];
  const watched = async () => {
    const teacher = emitting({ kind: 'resting', nextStep: 3 }, { kind: 'failure', failure });
    for await (const event of teacher.watch(attempt, never)) seen.push(event);
  };
  await expect(watched()).rejects.toEqual(new TrikdError('diverged', 'the teacher: the loss is NaN'));
  expect(seen).toEqual([{ kind: 'resting', nextStep: 3 }]);
});

test('a checkpoint with the blobs of another run is rejected', async () => {
  const state = { key: `runs/other/blobs/0000000000-0000000001/${'a'.repeat(64)}`, sha256: 'a'.repeat(64), bytes: 1 };
  const teacher = emitting({ kind: 'checkpoint', checkpoint: { step: 1, state } as never });
  await expect(teacher.past(attempt)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ kind: 'out-of-step' });
});
