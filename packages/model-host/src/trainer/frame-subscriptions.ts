import type { Agreement, LogitsFrame } from '@trikd/core/exchange/frame';
import { formatOf } from '@trikd/core/exchange/frame-format';
import { type FrameWait, subscribe } from '@trikd/core/exchange/subscribe';
import { type Stage } from '@trikd/core/stages/stage';
import { type Assignment, startStepOf } from '@trikd/core/training/assignment';
import type { TrainerParts } from './trainer-parts.js';

/** One stream of frames for each participant that the trainer consumes from, by name. */
export type FrameSubscriptions = Readonly<Record<string, AsyncGenerator<LogitsFrame, void>>>;

export interface SubscriptionOptions {
  readonly agreement: Agreement;
  /** Called when a frame is overdue. */
  readonly slow: (wait: FrameWait) => void;
  /** Ends the subscriptions. */
  readonly signal: AbortSignal;
}

/** Subscribes to the participants whose addresses are in the assignment. */
export function subscribeToFrames(
  { role, dial, clock, random }: Pick<TrainerParts, 'role' | 'dial' | 'clock' | 'random'>,
  assignment: Assignment,
  { learners }: Stage,
  options: SubscriptionOptions,
): FrameSubscriptions {
  const { attempt, spec, sources, exchangeSecret: secret } = assignment;
  const common = {
    ...options,
    consumer: role,
    secret,
    from: { ...attempt, step: startStepOf(assignment) },
    format: formatOf(spec, options.agreement.classes),
    stepTimeoutSeconds: spec.exchange.stepTimeout,
    dial,
    clock,
    random,
  };
  const streams = Object.entries(sources).map(([producer, address]) => {
    const server = learners.find(({ name }) => name === producer)?.slot ?? 'anchor';
    return [producer, subscribe({ ...common, producer, server, address })] as const;
  });
  return Object.fromEntries(streams);
}
