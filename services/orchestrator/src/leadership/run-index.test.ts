import type { SavedRun } from '@trikd/core/run/run-store';
import type { RunState } from '@trikd/core/run/state';
import { expect, test } from 'vitest';
import { createRunIndex } from './run-index.js';

let revision = 0;
const run = (name: string, phase: RunState['phase'], number = 0) => {
  revision += 1;
  const placement = { priority: 0, number };
  return {
    spec: { name },
    state: { phase },
    revision,
    placement,
    times: { changed: {} },
    owner: { subject: 'ann' },
  } as SavedRun;
};

test('the runs of an owner that wait are counted as they come and go', () => {
  const index = createRunIndex(() => undefined);
  for (const name of ['a', 'b', 'c']) index.note(run(name, 'queued'));
  index.note(run('a', 'preparing'));
  index.note(run('b', 'queued', 1));
  expect(index.queuedOf('ann')).toBe(2);
  index.forget('b');
  expect([index.queuedOf('ann'), index.queuedOf('ben')]).toEqual([1, 0]);
  index.clear();
  expect(index.queuedOf('ann')).toBe(0);
});

test('only runs that have a trio or wait for one are decided about, and the others are known', () => {
  const index = createRunIndex(() => undefined);
  index.note(run('a', 'queued'));
  index.note(run('b', 'training'));
  index.note(run('c', 'training'));
  index.note(run('c', 'completed'));
  expect([...index.wanting()].map(({ runId }) => runId)).toEqual(['a', 'b']);
  expect(index.get('c')).toMatchObject({ phase: 'completed' });
});

test('a run that asks for another trio is something to decide: the claim before is not needed any more', () => {
  let changes = 0;
  const index = createRunIndex(() => {
    changes += 1;
  });
  index.note(run('a', 'queued'));
  index.note(run('a', 'queued', 1));
  index.note(run('a', 'queued', 1));
  expect(changes).toBe(2);
});
