import type { FaultPoint } from '@trikd/process/fault-points';
import type { Fault } from '@trikd/testing/processes/fault-agent';

/** Steps of a stage: one epoch is one step of the doubles, and each is saved. */
export const STEPS = 2;

/** The path of a promotion, from the last pair of a generation to the next one in training. */
export const PROMOTION_PATH: readonly (readonly [FaultPoint, Fault['where']?])[] = [
  ['manifest.writing', { step: STEPS }],
  ['manifest.written', { step: STEPS }],
  ['state.writing', { phase: 'promoting' }],
  ['state.written', { phase: 'promoting' }],
  ['blob.read'],
  ['pointer.writing'],
  ['pointer.written'],
  ['state.writing', { phase: 'preparing' }],
  ['state.written', { phase: 'preparing' }],
  ['object.removing'],
  ['object.removed'],
  ['lease.writing'],
  ['lease.written'],
  ['anchor.requesting'],
  ['anchor.acknowledged'],
  ['assign.requesting'],
  ['assign.acknowledged'],
];
