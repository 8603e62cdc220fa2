import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DrivenRun } from '../runs/driven-run.js';
import { after, currentOf, driveOf, FOLLOWING, type LeadershipEvent, type LeadershipState, termOf } from './state.js';

const lease = { term: 3, lost: new AbortController().signal, release: async () => undefined };
const current = { runId: 'trial', pause: new AbortController(), released: Promise.resolve() };
const driven = (over: boolean): DrivenRun => ({
  runId: 'trial',
  view: () => expect.unreachable(),
  waits: () => undefined,
  over: () => over,
  done: Promise.resolve(undefined),
});

const elected: LeadershipEvent = { kind: 'elected', lease };
const taken: LeadershipEvent = { kind: 'run-taken', current };
const takenOver: LeadershipEvent = { kind: 'taken-over', drive: driven(false) };
const released: LeadershipEvent = { kind: 'run-released' };
const resigned: LeadershipEvent = { kind: 'resigned' };

function stateAfter(...events: readonly LeadershipEvent[]): LeadershipState {
  return events.reduce(after, FOLLOWING);
}

describe('the state of leadership', () => {
  test('goes from following to driving and back', () => {
    const kinds = [elected, taken, takenOver, released, resigned].map(
      (_, index, events) => stateAfter(...events.slice(0, index + 1)).kind,
    );
    expect(kinds).toEqual(['idle', 'taking-over', 'driving', 'idle', 'following']);
  });

  test('has a term while it leads, a current run from when it is taken, and a drive while that goes on', () => {
    const states = [FOLLOWING, stateAfter(elected), stateAfter(elected, taken), stateAfter(elected, taken, takenOver)];
    expect(states.map(termOf)).toEqual([undefined, 3, 3, 3]);
    expect(states.map((state) => currentOf(state)?.runId)).toEqual([undefined, undefined, 'trial', 'trial']);
    expect(states.map((state) => driveOf(state)?.runId)).toEqual([undefined, undefined, undefined, 'trial']);
    expect(driveOf(stateAfter(elected, taken, { kind: 'taken-over', drive: driven(true) }))).toBeUndefined();
  });

  test('does not resign before its run is released, and takes no second run', () => {
    expect(() => stateAfter(elected, taken, resigned)).toThrow(
      'resigned is not expected while the orchestrator is taking-over',
    );
    expect(() => stateAfter(elected, taken, takenOver, taken)).toThrow(
      'run-taken is not expected while the orchestrator is driving',
    );
  });

  test('remembers the highest term that was found, through all other changes', () => {
    const terms = fc.array(fc.nat({ max: 20 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(terms, (found) => {
        const changes = [elected, taken, takenOver, released, resigned];
        const events = found.flatMap((term, index): LeadershipEvent[] => {
          const change = changes[index];
          return [{ kind: 'term-found', term }, ...(change ? [change] : [])];
        });
        expect(stateAfter(...events).newestTerm).toBe(Math.max(...found));
      }),
    );
  });
});
