import { channel } from 'node:diagnostics_channel';
import type { GenerationAttempt, Position } from '@trikd/core/domain/position';
import type { Role } from '@trikd/core/domain/role';

/** Every place that a process tells of when it gets there, and what is true at that very moment. */
export const POINTS = {
  'attempt.assigned': 'a trainer is asked to take an attempt, and has read nothing of it yet',
  'attempt.begun': 'a trainer has read data and checkpoint; the loop is about to begin',
  'frame.publishing': 'a trainer has its own logits of a step, and nobody else has them',
  'frame.published': 'there was room for them: others may read them',
  'frame.from-peer': 'a trainer has received the peer’s logits of a step, and not looked at them yet',
  'frame.from-anchor': 'a trainer has received the anchor’s logits of a step, and not looked at them yet',
  'step.trained': 'a trainer has updated its params',
  'checkpoint.stored': 'a trainer’s part of a checkpoint is stored; nobody has been told',
  'trainer.resting': 'a trainer has come to its limit',
  'anchor.loading': 'an anchor-server is asked to load, and has read nothing yet',
  'anchor.verified': 'the params of the next anchor held what they promise, and were scored',
  'anchor.swapping': 'the next anchor is ready beside the one that is served',
  'anchor.swapped': 'the next anchor is served; streams of the one before are still open',
  'anchor.drained': 'the anchor before has let go of its streams and its model',
  'blob.writing': 'params are encoded and not stored',
  'blob.written': 'params are stored, and nothing names them',
  'blob.read': 'params were read, and not looked at yet',
  'manifest.writing': 'both parts of a checkpoint are stored, and no manifest says so',
  'manifest.written': 'the checkpoint exists; the state does not name it yet',
  'state.writing': 'something has happened to a run that its stored state does not know',
  'state.written': 'the stored state knows; nobody has been told',
  'pointer.writing': 'a student is to be the anchor, and the pointer names another one',
  'pointer.written': 'the pointer names it; the state still promotes it',
  'lease.writing': 'an orchestrator is about to lead, to go on leading, or to leave',
  'lease.written': 'it has written so, and acted on nothing yet',
  'spec.writing': 'a run is wanted, and nothing of it is stored',
  'spec.written': 'the spec is stored, and the run may have no state yet',
  'object.removing': 'something that no state names is about to go',
  'object.removed': 'it is gone',
  'anchor.asking': 'an orchestrator is about to have the anchor loaded',
  'anchor.answered': 'the anchor serves; the trainers know nothing of the attempt',
  'assign.asking': 'an orchestrator is about to give a trainer its attempt',
  'assign.answered': 'a trainer has taken it',
  'limit.asking': 'an orchestrator is about to move the limit of a trainer',
  'drain.begun': 'a process was asked to end',
  'drain.done': 'it has nothing in hand any more',
} as const;
export type Point = keyof typeof POINTS;

/** What is known at a point. */
export interface PointDetails extends Partial<Position> {
  readonly role?: Role;
  /** Of the object in the store. */
  readonly key?: string;
  readonly bytes?: number;
  /** Of the state that is written. */
  readonly phase?: string;
  /** What the store answered. */
  readonly outcome?: string;
}

/** What a subscriber of the channel gets. */
export interface Reached extends PointDetails {
  readonly point: Point;
}

/** Name of the channel of node:diagnostics_channel that carries `Reached`, synchronously: the point is not left before it was heard. */
export const POINT_CHANNEL = 'trikd.points';

const points = channel(POINT_CHANNEL);

/**
 * Tells whoever has subscribed that a point was reached.
 * @param details asked for only when somebody has
 */
export function reach(point: Point, details: () => PointDetails = () => ({})): void {
  if (points.hasSubscribers) points.publish({ ...details(), point } satisfies Reached);
}

/** The fields of a position or an attempt, and nothing else of what may have more. */
export function positionOf({ runId, generation, attempt, step }: GenerationAttempt & { readonly step?: number }) {
  return { runId, generation, attempt, ...(step !== undefined && { step }) };
}
