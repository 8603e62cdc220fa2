/** Why a run that has no trio waits, in one word for programs. */
export type WaitReason = 'WaitingForTrio' | 'QuotaWait';

/** The place of a run in the queue. */
export interface QueueWait {
  /** From 1. */
  readonly position: number;
  /** Number of queued runs. */
  readonly length: number;
  readonly reason: WaitReason;
  /** One sentence. */
  readonly message: string;
}
