import { createBackoff } from '@trikd/core/async/backoff';
import type { Clock } from '@trikd/core/async/clock';
import { messageOf } from '@trikd/core/domain/message-of';
import type { Logger } from '@trikd/process/logging';
import { createNews } from '../news.js';
import { labelsToChange } from './labels-to-change.js';
import type { OrchestratorPods } from './orchestrator-pods.js';

/** Keeps a label on the pod of the leader, for a Service that selects it. */
export interface LeaderLabel {
  /** Gets the term in which this process leads, whenever that changes; undefined: it follows. */
  leads(term: number | undefined): void;
  /** Resolves when the labels are as the last call of `leads` demands, or when `stopped` aborts. */
  settled(): Promise<void>;
}

export interface LeaderLabelPorts {
  readonly pods: OrchestratorPods;
  /** Name of the pod of this process. */
  readonly pod: string;
  readonly clock: Clock;
  /** Uniform on [0, 1). */
  readonly random: () => number;
  readonly stopped: AbortSignal;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/** Seconds between two looks at the labels: a leader that was killed leaves its own, and people can change them. */
const LOOK = 5;

const BACKOFF = { firstMs: 250, maxMs: 10_000 };

/**
 * Compares the labels with what they should be, after each change of the leadership and every few seconds, until `stopped` aborts. Who
 * leads does not depend on it: while the API server is away, the labels stay as they are.
 */
export function keepLeaderLabel({ pods, pod, clock, random, stopped, log }: LeaderLabelPorts): LeaderLabel {
  const { wake, news } = createNews(clock, LOOK);
  const passes = createNews(clock, LOOK);
  const backoff = createBackoff({ ...BACKOFF, random });
  let term: number | undefined;
  let isSettled = false;
  let failures = 0;

  /** @throws TrikdError when the API server does not answer, or refuses */
  async function pass(): Promise<void> {
    const wanted = term;
    for (const change of labelsToChange(await pods.list(), pod, wanted)) {
      // What is added later than it was decided may be wrong by now.
      if (term !== wanted) return;
      await pods.label(change);
      const { name } = change.pod.metadata;
      if (change.term === undefined) log.info({ pod: name }, 'pod is not labelled as the leader any more');
      else log.info({ pod: name, term: change.term }, 'pod labelled as the leader');
    }
    isSettled = term === wanted;
  }

  async function keep(): Promise<void> {
    while (!stopped.aborted) {
      try {
        await pass();
        if (failures > 1) log.info({}, 'the label of the leader is kept again');
        failures = 0;
        backoff.reset();
        passes.wake();
        if (isSettled) await news(stopped);
      } catch (error) {
        failures += 1;
        // A connection that was idle may be closed at any time.
        if (failures === 2) log.warn({ reason: messageOf(error) }, 'the label of the leader cannot be kept');
        await clock.sleep(backoff.next(), stopped).catch(() => undefined);
      }
    }
  }
  void keep();

  return {
    leads(next) {
      if (next === term) return;
      term = next;
      isSettled = false;
      wake();
    },
    async settled() {
      while (!isSettled && !stopped.aborted) await passes.news(stopped);
    },
  };
}
