import type { Placement } from '@trikd/core/run/placement';
import type { QueueWait } from '@trikd/core/run/queue';
import type { RunSummary } from '@trikd/core/run/summary';
import { fromOwner, fromPlacement, toDate } from './convert-run.js';
import type { RunSummary as SummaryMessage } from './gen/node/trikd/v1/run.js';
import { RUN_PHASES } from './run-phases.js';

/** What an orchestrator knows of a run besides its summary. */
export interface SummaryContext {
  /** 0..100. */
  readonly percent: number;
  /** What the run waits for, in one sentence; absent if it waits for nothing. */
  readonly waits?: string;
  readonly placement: Placement;
  readonly waiting?: QueueWait;
}

/** The message of a summary. */
export function fromSummary(run: RunSummary & SummaryContext): SummaryMessage {
  const { runId, phase, stage, generation, percent, method, seed, networks, result, failure, waits, times, tags } = run;
  return {
    ...{ runId, phase: RUN_PHASES[phase], stage, generation, percent, method, seed },
    networks: networks.map(({ participant, network }) => ({ participant, network })),
    result: result && { ...result, test: result.test },
    message: failure ?? waits ?? '',
    createTime: toDate(times.created),
    startTime: toDate(times.started),
    updateTime: toDate(times.updated),
    endTime: toDate(times.ended),
    owner: fromOwner(run.owner),
    placement: fromPlacement(run),
    tags: [...tags],
  };
}
