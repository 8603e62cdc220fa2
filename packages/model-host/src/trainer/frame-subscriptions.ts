import type { FrameSource } from '@trikd/core/domain/role';
import { peerOf } from '@trikd/core/domain/role';
import type { Agreement, LogitsFrame } from '@trikd/core/exchange/frame';
import { type FrameWait, subscribe } from '@trikd/core/exchange/subscribe';
import { type Assignment, startStepOf } from '@trikd/core/training/assignment';
import type { TrainerParts } from './trainer-parts.js';

/** One stream of frames for each model that the trainer consumes from. */
export type FrameSubscriptions = Readonly<Partial<Record<FrameSource, AsyncGenerator<LogitsFrame, void>>>>;

export interface SubscriptionOptions {
  readonly agreement: Agreement;
  /** Called when a frame is overdue. */
  readonly slow: (wait: FrameWait) => void;
  /** Ends the subscriptions. */
  readonly signal: AbortSignal;
}

/** Subscribes to the models whose addresses are in the assignment. */
export function subscribeToFrames(
  { role, dial, clock, random }: Pick<TrainerParts, 'role' | 'dial' | 'clock' | 'random'>,
  assignment: Assignment,
  options: SubscriptionOptions,
): FrameSubscriptions {
  const { attempt, spec, anchorAddress, peerAddress, exchangeSecret: secret } = assignment;
  const common = {
    ...options,
    consumer: role,
    secret,
    from: { ...attempt, step: startStepOf(assignment) },
    stepTimeoutSeconds: spec.exchange.stepTimeout,
    dial,
    clock,
    random,
  };
  return {
    ...(anchorAddress && { anchor: subscribe({ ...common, producer: 'anchor', address: anchorAddress }) }),
    ...(peerAddress && { peer: subscribe({ ...common, producer: peerOf(role), address: peerAddress }) }),
  };
}
