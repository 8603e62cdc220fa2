import { ROLES, type Role } from '@trikd/core/domain/role';
import type { Incident } from '../placement.js';
import { LABELS } from './names.js';
import { type ContainerState, conditionOf, type Pod } from './objects.js';
import { endOf, rankOf, statusesOf, type TrioObjects, whoIs } from './trio-state.js';

/** An incident with a text that no other one has. */
export interface KeyedIncident extends Incident {
  readonly key: string;
}

/** What happened to the processes of a trio, as far as its pods still know. What the deletion of the JobSet itself does is none. */
export function incidentsOf({ name, jobSet, pods }: TrioObjects): readonly KeyedIncident[] {
  if (!jobSet || jobSet.metadata.deletionTimestamp !== undefined) return [];
  return pods.flatMap((pod) => {
    const role = ROLES.find((each) => each === pod.metadata.labels?.[LABELS.role]);
    return role ? incidentsOfPod(name, role, pod) : [];
  });
}

function incidentsOfPod(trio: string, role: Role, pod: Pod): readonly KeyedIncident[] {
  const { name, uid, deletionTimestamp } = pod.metadata;
  const who = whoIs(role, rankOf(pod), trio);
  const incident = (what: string, reason: string, message: string) => ({
    key: `${uid} ${what}`,
    role,
    reason,
    message,
  });
  const ends = statusesOf(pod).flatMap((container) =>
    [container.lastState, container.state].flatMap((state: ContainerState | undefined) => {
      const ended = state?.terminated;
      if (!ended) return [];
      const which = `${container.name} ${ended.containerID ?? ended.finishedAt ?? ''}`;
      return incident(which, ended.reason ?? 'Error', `container ${container.name} of ${who}: ${endOf(ended)}`);
    }),
  );
  const disruption = conditionOf(pod.status, 'DisruptionTarget');
  const { reason = '', message = '' } = pod.status ?? {};
  return [
    ...ends,
    ...(reason === '' ? [] : [incident('pod', reason, `pod ${name}, ${who}: ${message === '' ? reason : message}`)]),
    ...(disruption
      ? [
          incident(
            'disruption',
            disruption.reason ?? 'DisruptionTarget',
            `pod ${name}, ${who}, has to go: ${disruption.message ?? ''}`,
          ),
        ]
      : []),
    ...(deletionTimestamp === undefined
      ? []
      : [incident('deletion', 'PodDeleted', `pod ${name}, ${who}, is being deleted`)]),
  ];
}
