import type { Pod } from '../../placement/jobset/objects.js';

/** A pod of an orchestrator, as far as the label of the leader is concerned. */
export type OrchestratorPod = Pick<Pod, 'metadata'>;

/** The label of the pod that leads: a Service selects it. */
export const LEADER_LABEL = 'trikd.dev/leader';
/** Annotation beside the label: the term in which the pod leads. */
export const TERM_ANNOTATION = 'trikd.dev/term';

/** What the label of a pod should become. */
export interface LabelChange {
  readonly pod: OrchestratorPod;
  /** The term in which the pod leads; undefined: it does not. */
  readonly term: number | undefined;
}

/**
 * What this process has to change so that the pod of the leader alone is labelled. Everybody removes the label of their own pod; the
 * leader removes those of other pods too, because a leader that was killed cannot. A leader that has lost the store does not know that
 * another one was elected: it gives way to a label of a later term, or the two would take turns.
 * @param self name of the pod of this process
 * @param term in which this process leads; undefined while it follows
 */
export function labelsToChange(
  pods: readonly OrchestratorPod[],
  self: string,
  term: number | undefined,
): readonly LabelChange[] {
  const own = pods.find(({ metadata }) => metadata.name === self);
  const others = pods.filter((pod) => pod !== own && labelledTerm(pod) !== undefined);
  const isPast = term !== undefined && others.some((pod) => labelledTerm(pod)! > term);
  const wanted = isPast ? undefined : term;
  return [
    ...(own && labelledTerm(own) !== wanted ? [{ pod: own, term: wanted }] : []),
    ...(wanted === undefined ? [] : others.map((pod) => ({ pod, term: undefined }))),
  ];
}

/** The term in which a pod leads by its label. One that is not a number is earlier than every term. */
function labelledTerm({ metadata: { labels, annotations } }: OrchestratorPod): number | undefined {
  if (labels?.[LEADER_LABEL] !== 'true') return undefined;
  const term = Number(annotations?.[TERM_ANNOTATION]);
  return Number.isSafeInteger(term) ? term : 0;
}
