import { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { expect, test } from 'vitest';
import { possibleVerbs } from './possible-verbs.js';

const offered = (phase: string, failureKind = '') =>
  possibleVerbs(Run.fromJSON({ phase: `RUN_PHASE_${phase}`, failureKind }));

test('a run that waits for a trigger offers no pause, which the server refuses', () => {
  expect(offered('WAITING')).toContain('triggered');
  expect(offered('WAITING')).not.toContain('paused');
});

test('a run that failed can be resumed, unless it would fail again', () => {
  expect(offered('FAILED', 'unavailable')).toContain('resumed');
  expect(offered('FAILED', 'diverged')).not.toContain('resumed');
});

test('a run in an unknown phase offers nothing', () => {
  expect(offered('UNSPECIFIED')).toEqual([]);
});
