import type { TrainedRole } from '@trikd/core/domain/role';
import type { DutyNews, EvaluationNews, LiveView, ProgressNews, Stall } from './ports.js';

type ProgressByRole = Readonly<Partial<Record<TrainedRole, ProgressNews>>>;

/** What is known of a run while it is driven: the newest of what has happened. */
export interface LiveSeen {
  /** Returns whether a stall began, ended or has another reason. */
  readonly heard: (news: DutyNews) => boolean;
  /** Another attempt has begun: what was known of the one before is obsolete. */
  readonly begun: () => void;
  readonly view: () => LiveView;
}

export function liveView(now: () => string): LiveSeen {
  const stalls = new Map<string, Stall>();
  let stalledAt: string | undefined;
  let progress: ProgressByRole = {};
  let evaluations: Partial<Record<TrainedRole, EvaluationNews>> = {};
  const keyOf = ({ by, on }: Pick<Stall, 'by' | 'on'>) => `${by} on ${on}`;
  /** Notes when the first stall begins and when the last one ends. */
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
        stalls.clear();
        return true;
      });
      progress = {};
      evaluations = {};
    },
    view: () => {
      const standing = [...stalls.values()];
      // The models train in lockstep: while one is waited for, none trains, whatever was reported last.
      const halted = standing.some(({ on }) => on !== 'store');
      return {
        stalls: standing,
        progress: halted ? withoutRate(progress) : progress,
        evaluations,
        ...(stalledAt !== undefined && { stalledAt }),
      };
    },
  };
}

function withoutRate({ teacher, student }: ProgressByRole): ProgressByRole {
  const halted = (news: ProgressNews) => ({ ...news, progress: { ...news.progress, stepsPerSecond: 0 } });
  return { ...(teacher && { teacher: halted(teacher) }), ...(student && { student: halted(student) }) };
}
