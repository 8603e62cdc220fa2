import type { TrainedRole } from '@trikd/core/domain/role';
import type { DutyNews, EvaluationNews, LiveView, ProgressNews, Stall } from './ports.js';

/** What is known of a run while it is driven: the newest of what is told. */
export interface LiveSeen {
  /** Returns whether what holds the run up has changed. */
  readonly heard: (news: DutyNews) => boolean;
  /** Another attempt has begun: what was said of the one before is over. */
  readonly begun: () => void;
  readonly view: () => LiveView;
}

export function liveView(now: () => string): LiveSeen {
  const stalls = new Map<string, Stall>();
  let stalledAt: string | undefined;
  let progress: Partial<Record<TrainedRole, ProgressNews>> = {};
  let evaluations: Partial<Record<TrainedRole, EvaluationNews>> = {};
  const keyOf = ({ by, on }: Pick<Stall, 'by' | 'on'>) => `${by} on ${on}`;
  /** Notes when the run began to be held up, or went on. */
  const dated = (change: () => boolean): boolean => {
    const before = stalls.size;
    const changed = change();
    if ((before === 0) !== (stalls.size === 0)) stalledAt = now();
    return changed;
  };
  return {
    heard(news) {
      if (news.kind === 'stalled') return dated(() => stalls.set(keyOf(news), news).size > 0);
      if (news.kind === 'went-on') return dated(() => stalls.delete(keyOf(news)));
      if (news.kind === 'progress') progress = { ...progress, [news.role]: news };
      if (news.kind === 'evaluation') evaluations = { ...evaluations, [news.role]: news };
      return false;
    },
    begun() {
      dated(() => {
        // Who waited in an attempt that is over waits no more; the orchestrator has just been heard of.
        stalls.clear();
        return true;
      });
      progress = {};
      evaluations = {};
    },
    view: () => ({
      stalls: [...stalls.values()],
      progress,
      evaluations,
      ...(stalledAt !== undefined && { stalledAt }),
    }),
  };
}
