import { createHash } from 'node:crypto';
import type { ClaimName } from '../placement.js';
import type { JobSet } from './objects.js';

/** Labels of JobSets and their pods. */
export const LABELS = {
  run: 'trikd.dev/run',
  placement: 'trikd.dev/placement',
  role: 'trikd.dev/role',
  /** Of the controller of jobs: which of the pods of a job it is. */
  rank: 'batch.kubernetes.io/job-completion-index',
  managedBy: 'app.kubernetes.io/managed-by',
  instance: 'app.kubernetes.io/instance',
  queue: 'kueue.x-k8s.io/queue-name',
  priority: 'kueue.x-k8s.io/priority-class',
} as const;

export const MANAGER = 'trikd';

/**
 * The JobSet of a claim. The names of its pods are longer and have to be names of hosts, so the name of the run is a digest here.
 * @param instance tells two installations in one namespace apart
 */
export function nameOf({ runId, number }: ClaimName, instance: string): string {
  const digest = createHash('sha256').update(`${instance} ${runId}`).digest('hex').slice(0, 8);
  return `trikd-${digest}-p${number}`;
}

/** The labels of a JobSet and of its pods. */
export function labelsOf({ runId, number }: ClaimName, instance: string): Readonly<Record<string, string>> {
  return {
    // The value of a label must not end with a dash, the name of a run may.
    [LABELS.run]: runId.replace(/-+$/, ''),
    [LABELS.placement]: String(number),
    [LABELS.managedBy]: MANAGER,
    [LABELS.instance]: instance,
  };
}

/** Selects the JobSets and the pods of an installation. */
export function selectorOf(instance: string): string {
  return `${LABELS.managedBy}=${MANAGER},${LABELS.instance}=${instance}`;
}

/** The claim that a JobSet was made for; undefined for a JobSet of another maker. */
export function claimIn(
  { metadata }: Pick<JobSet, 'metadata'>,
  instance: string,
): (ClaimName & { trio: string }) | undefined {
  const { name, labels = {}, annotations = {} } = metadata;
  const runId = annotations[LABELS.run];
  const number = Number(labels[LABELS.placement]);
  if (runId === undefined || !Number.isSafeInteger(number)) return undefined;
  if (labels[LABELS.managedBy] !== MANAGER || labels[LABELS.instance] !== instance) return undefined;
  return nameOf({ runId, number }, instance) === name ? { runId, number, trio: name } : undefined;
}
