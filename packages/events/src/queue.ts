import { type Run, RunPhase } from '@trikd/protocol/gen/browser/trikd/v1/run';

/** What decides the place of a run in the queue. */
export type Queueable = Pick<Run, 'runId' | 'phase' | 'placement'>;

/** The runs of an orchestrator that wait for a trio or have one. */
export interface Queue<Item extends Queueable = Run> {
  /** In the order in which they get a trio. */
  readonly queued: readonly Item[];
  /** Those that have a trio. */
  readonly placed: readonly Item[];
}

const WITH_TRIO: readonly RunPhase[] = [
  RunPhase.RUN_PHASE_PREPARING,
  RunPhase.RUN_PHASE_TRAINING,
  RunPhase.RUN_PHASE_PROMOTING,
];

/** The queue in a list of runs. */
export function queueOf<Item extends Queueable>(runs: readonly Item[]): Queue<Item> {
  return {
    queued: runs.filter(({ phase }) => phase === RunPhase.RUN_PHASE_QUEUED).toSorted(inOrder),
    placed: runs.filter(({ phase }) => WITH_TRIO.includes(phase)),
  };
}

/** By position, which the leader alone knows, and which a run that is being placed has not any more; then by the rule, as far as it needs no quotas. */
function inOrder(a: Queueable, b: Queueable): number {
  const [one, other] = [positionOf(a), positionOf(b)];
  if (one !== other) return one - other;
  const priority = (b.placement?.priority ?? 0) - (a.placement?.priority ?? 0);
  if (priority !== 0) return priority;
  const key = ({ placement, runId }: Queueable) => `${placement?.queueTime ?? ''} ${runId}`;
  return key(a) < key(b) ? -1 : 1;
}

function positionOf({ placement }: Queueable): number {
  return placement?.waiting?.position ?? 0;
}

/** Who created a run, and for whom; empty when that is not known. */
export function ownerText(owner: Run['owner']): string {
  if (!owner) return '';
  return owner.team === '' ? owner.subject : `${owner.subject} (${owner.team})`;
}
