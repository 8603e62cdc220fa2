import type { QueueRules } from '@trikd/core/run/queue';

/** What the configuration says about the queue. */
export interface QueueSettings extends Omit<QueueRules, 'capacity'> {
  /** Queued runs of an owner, at most. */
  readonly maxQueuedPerOwner: number;
}

/** Every run waits for its turn, and no owner has a quota. */
export const OPEN_QUEUE: QueueSettings = {
  quotaOf: () => undefined,
  preemption: 'never',
  maxQueuedPerOwner: Number.POSITIVE_INFINITY,
};
