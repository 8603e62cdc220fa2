import { TrikdError } from '@trikd/core/domain/errors';
import type { TrainerEvent } from '@trikd/core/training/ports';
import { expect, test } from 'vitest';
import type { TrioAddresses } from '../placement/placement.js';
import { followingLinks } from './following-links.js';
import type { TrainerLink, TrioLinks } from './ports.js';

const attempt = { runId: 'r', stage: 0, attempt: 1 };
const never = new AbortController().signal;
const trioAt = (host: string): TrioAddresses => ({
  ...{ name: 't', teacher: `${host}:1`, student: 'student:1', anchor: 'anchor:1' },
});

/** Links that say which trio they lead to, and whose streams bring one event and then wait. */
function linked() {
  const closed: string[] = [];
  const trainer = (role: 'teacher' | 'student', address: string): TrainerLink => ({
    ...{ role, address },
    assign: () => new Promise(() => undefined),
    setLimit: async () => undefined,
    saveAt: async () => undefined,
    nextStep: async () => (address === 'old:1' ? 1 : 2),
    past: async function* () {},
    async *watch(_attempt, signal): AsyncGenerator<TrainerEvent> {
      yield { kind: 'resting', nextStep: 3 };
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      throw signal.reason;
    },
  });
  const connect = (trio: TrioAddresses): TrioLinks => ({
    trainers: { teacher: trainer('teacher', trio.teacher), student: trainer('student', trio.student) },
    anchor: { address: trio.anchor, load: () => new Promise(() => undefined) },
    steps: [{ role: 'anchor', read: async () => ({ steps: [] }), trace: async () => undefined }],
    close: () => void closed.push(trio.teacher),
  });
  return { closed, links: followingLinks(trioAt('old'), connect) };
}

test('calls after a move go to the new addresses', async () => {
  const { links, closed } = linked();
  const { teacher } = links.trainers;
  expect([teacher.address, await teacher.nextStep()]).toEqual(['old:1', 1]);
  links.moved(trioAt('new'));
  expect([teacher.address, await teacher.nextStep()]).toEqual(['new:1', 2]);
  expect(closed).toEqual(['old:1']);
  links.close();
  expect(closed).toEqual(['old:1', 'new:1']);
});

test('calls and streams that are under way when a service moves fail at once, also those of the other services', async () => {
  const { links } = linked();
  const loading = links.anchor.load(undefined as never);
  const events = links.trainers.student.watch(attempt, never)[Symbol.asyncIterator]();
  expect((await events.next()).value).toEqual({ kind: 'resting', nextStep: 3 });
  const next = events.next();
  links.moved(trioAt('new'));
  const lost = new TrikdError('unavailable', 'the teacher of trio t came back at another address');
  await expect(loading).rejects.toEqual(lost);
  await expect(next).rejects.toEqual(lost);
});

test('a stream that is left ends with the reason of its signal', async () => {
  const { links } = linked();
  const left = new AbortController();
  const events = links.trainers.teacher.watch(attempt, left.signal)[Symbol.asyncIterator]();
  await events.next();
  const next = events.next();
  left.abort(new Error('left'));
  await expect(next).rejects.toThrow('left');
});
