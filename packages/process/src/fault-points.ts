import { channel } from 'node:diagnostics_channel';
import type { Position, Role, StageAttempt } from '@trikd/core/domain/position';

/** The places at which the fault tests kill or freeze a process, each with what is true there. */
export const FAULT_POINTS = {
  'attempt.assigned': 'a trainer has received an assignment and has read no data or checkpoint yet',
  'attempt.started': 'a trainer has read its data and checkpoint; the training loop is about to start',
  'frame.publishing': 'a model has computed its logits of a step and has not published them',
  'frame.published': 'the frame is in the window; consumers can read it',
  'frame.from-peer': 'a trainer has received the frame of its peer and has not checked it',
  'frame.from-anchor': 'a trainer has received the frame of the anchor and has not checked it',
  'step.trained': 'a trainer has updated its params',
  'checkpoint.stored': 'the part of a checkpoint that a trainer contributes is stored; its event is not emitted yet',
  'trainer.resting': 'a trainer has reached its limit',
  'replica.stepping': 'a replica in a process of its own has been asked for a step and has computed nothing of it',
  'replica.shared': 'a replica has computed its share of the gradients and has not sent it',
  'replica.updating': 'a replica has received the sum of all shares and has not changed its params',
  'replica.updated': 'a replica has updated its params; the trainer does not know it yet',
  'anchor.loading': 'an anchor-server has received a request to load an anchor and has read nothing yet',
  'anchor.verified': 'the params of the next anchor are verified and scored',
  'anchor.swapping': 'the next anchor is loaded; the previous one is still served',
  'anchor.swapped': 'the next anchor is served; streams of the previous one are still open',
  'anchor.drained': 'the streams and the model of the previous anchor are closed',
  'blob.writing': 'params are encoded and not stored',
  'blob.written': 'params are stored; nothing refers to them yet',
  'blob.read': 'params are read and not verified',
  'manifest.writing': 'both parts of a checkpoint are stored; it has no manifest yet',
  'manifest.written': 'the checkpoint exists; the run state does not refer to it yet',
  'state.writing': 'the state of a run has changed in memory and not in the store',
  'state.written': 'the new state is stored and not announced',
  'pointer.writing': 'a student is about to be promoted; the pointer still names the previous anchor',
  'pointer.written': 'the pointer names the new anchor; the run state is still promoting',
  'lease.writing': 'an orchestrator is about to acquire, renew or release the lease',
  'lease.written': 'the lease is written; the orchestrator has not acted on it yet',
  'spec.writing': 'a run is about to be created; nothing of it is stored',
  'spec.written': 'the spec of a run is stored; its state may be missing',
  'object.removing': 'an object that no state refers to is about to be removed',
  'object.removed': 'the object is removed',
  'anchor.requesting': 'an orchestrator is about to request the load of an anchor',
  'anchor.acknowledged': 'the anchor is served; the trainers have no assignment yet',
  'assign.requesting': 'an orchestrator is about to send a trainer its assignment',
  'assign.acknowledged': 'a trainer has accepted its assignment',
  'limit.requesting': 'an orchestrator is about to move the limit of a trainer',
  'drain.started': 'a process has been asked to exit',
  'drain.done': 'a process has finished or handed over all of its work',
} as const;
export type FaultPoint = keyof typeof FAULT_POINTS;

/** What is known at a fault point. */
export interface FaultPointDetails extends Partial<Position> {
  readonly role?: Role;
  /** Key of the object in the store. */
  readonly key?: string;
  readonly bytes?: number;
  /** Phase of the state that is written. */
  readonly phase?: string;
  /** The store's answer. */
  readonly outcome?: string;
}

/** What subscribers of the channel receive. */
export interface FaultPointEvent extends FaultPointDetails {
  readonly point: FaultPoint;
}

/**
 * The channel of node:diagnostics_channel that carries `FaultPointEvent`. Delivery is synchronous: the process does not
 * continue before all subscribers have returned.
 */
export const FAULT_POINT_CHANNEL = 'trikd.fault-points';

const faultPoints = channel(FAULT_POINT_CHANNEL);

/**
 * Notifies subscribers that the process has reached a fault point.
 * @param details evaluated only if there are subscribers
 */
export function faultPoint(point: FaultPoint, details: () => FaultPointDetails = () => ({})): void {
  if (faultPoints.hasSubscribers) faultPoints.publish({ ...details(), point } satisfies FaultPointEvent);
}

/** The fields of a position or an attempt, without any others that the value has. */
export function positionOf({ runId, stage, attempt, step }: StageAttempt & { readonly step?: number }) {
  return { runId, stage, attempt, ...(step !== undefined && { step }) };
}
