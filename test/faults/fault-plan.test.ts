import { FAULT_POINTS, type FaultPoint } from '@trikd/process/fault-points';
import { expect, test } from 'vitest';
import { dice, faultAtEveryPoint, type PlannedFault } from './fault-plan.js';
import { PROMOTION_PATH } from './promotion-path.js';

/**
 * Struck elsewhere: the leader by the test of promotions, the writes of a new run in the simulation, a drain in the rolling restart, replicas
 * in a run that has some. No bit depends on the last.
 */
const ELSEWHERE: readonly FaultPoint[] = [
  ...PROMOTION_PATH.map(([point]) => point),
  'spec.writing',
  'spec.written',
  'drain.started',
  'drain.done',
  'replica.stepping',
  'replica.shared',
  'replica.updating',
  'replica.updated',
  'anchor.drained',
];

/** Every fault of a plan, when each happens at once. */
function faultsOf(seed: number): readonly PlannedFault[] {
  const plan = faultAtEveryPoint(dice(seed));
  const faults: PlannedFault[] = [];
  while (plan.left > 0) {
    const fault = plan.next(1);
    faults.push(...(fault.after ? [fault.after] : []), fault);
    plan.happened(fault);
  }
  return faults;
}

test.each([1, 2, 3])('a plan for every point leaves out none that the services name (seed %i)', (seed) => {
  const struck = new Set(faultsOf(seed).map(({ point }) => point));
  const missing = Object.keys(FAULT_POINTS).filter(
    (point) => ![...struck, ...ELSEWHERE].some((each) => each === point),
  );
  expect(missing).toEqual([]);
});

test('a plan for every point strikes trainers, anchor, leader and store', () => {
  const victims = new Set(faultsOf(1).map(({ victim }) => (victim === 'student' ? 'teacher' : victim)));
  expect([...victims].toSorted()).toEqual(['anchor', 'leader', 'store', 'teacher']);
});

test('a plan for every point strikes those that the leader passes on other services, too', () => {
  expect(faultsOf(1)).toContainEqual(expect.objectContaining({ victim: 'anchor', point: 'blob.read' }));
  expect(faultsOf(1)).toContainEqual(expect.objectContaining({ victim: 'leader', point: 'limit.requesting' }));
});

test('a plan for every point strikes no anchor in generation 0 while others are left', () => {
  const plan = faultAtEveryPoint(dice(1));
  const fault = plan.next(0);
  expect([fault.victim, fault.after?.victim]).not.toContain('anchor');
});

test('a fault that has not happened comes again after the others', () => {
  const plan = faultAtEveryPoint(dice(1));
  const first = plan.next(1);
  const rest = Array.from({ length: plan.left - 1 }, () => plan.next(1));
  expect(rest).not.toContain(first);
  expect(plan.next(1)).toBe(first);
});
