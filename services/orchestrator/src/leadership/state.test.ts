import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DrivenRun } from '../runs/driven-run.js';
import {
  after,
  type Current,
  currentOf,
  driveOf,
  FOLLOWING,
  type LeadershipEvent,
  type LeadershipState,
  rosterOf,
  termOf,
} from './state.js';

const lease = {
  term: 3,
  lost: new AbortController().signal,
  confirm: async () => true,
  release: async () => undefined,
};
const current = (runId: string): Current => ({ runId, stop: new AbortController(), released: Promise.resolve() });
const driven = (runId: string, over: boolean): DrivenRun => ({
  runId,
  view: () => expect.unreachable(),
  waits: () => undefined,
  incident: () => undefined,
  over: () => over,
  done: Promise.resolve(undefined),
});

const elected: LeadershipEvent = { kind: 'elected', lease };
const taken = (runId: string): LeadershipEvent => ({ kind: 'run-taken', current: current(runId) });
const takenOver = (runId: string, over = false): LeadershipEvent => ({
  kind: 'taken-over',
  drive: driven(runId, over),
});
const released = (runId: string): LeadershipEvent => ({ kind: 'run-released', runId });
const resigned: LeadershipEvent = { kind: 'resigned' };

function stateAfter(...events: readonly LeadershipEvent[]): LeadershipState {
  return events.reduce(after, FOLLOWING);
}

describe('the state of leadership', () => {
  test('goes from following to leading and back, with any number of runs in between', () => {
    const events = [elected, taken('a'), taken('b'), takenOver('b'), released('a'), released('b'), resigned];
    const states = events.map((_, index) => stateAfter(...events.slice(0, index + 1)));
    expect(states.map((state) => rosterOf(state).map(({ runId }) => runId))).toEqual([
      ...[[], ['a'], ['a', 'b'], ['a', 'b'], ['b'], [], []],
    ]);
    expect(states.map(termOf)).toEqual([3, 3, 3, 3, 3, 3, undefined]);
  });

  test('has a current run from when it is taken, and a drive while that goes on', () => {
    const both = stateAfter(elected, taken('a'), taken('b'), takenOver('a'));
    expect([currentOf(both, 'a')?.runId, currentOf(both, 'c')]).toEqual(['a', undefined]);
    expect([driveOf(both, 'a')?.runId, driveOf(both, 'b')]).toEqual(['a', undefined]);
    expect(driveOf(stateAfter(elected, taken('a'), takenOver('a', true)), 'a')).toBeUndefined();
  });

  test('does not resign before all its runs are released, and takes no run twice', () => {
    const expected = 'is not expected while the orchestrator is leading';
    expect(() => stateAfter(elected, taken('a'), resigned)).toThrow(`resigned ${expected}`);
    expect(() => stateAfter(elected, taken('a'), taken('a'))).toThrow(`run-taken ${expected}`);
    expect(() => stateAfter(elected, takenOver('a'))).toThrow(`taken-over ${expected}`);
    expect(() => stateAfter(elected, released('a'))).toThrow(`run-released ${expected}`);
  });

  test('remembers the highest term that was found, through all other changes', () => {
    const terms = fc.array(fc.nat({ max: 20 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(terms, (found) => {
        const changes = [elected, taken('a'), takenOver('a'), released('a'), resigned];
        const events = found.flatMap((term, index): LeadershipEvent[] => {
          const change = changes[index];
          return [{ kind: 'term-found', term }, ...(change ? [change] : [])];
        });
        expect(stateAfter(...events).newestTerm).toBe(Math.max(...found));
      }),
    );
  });
});
