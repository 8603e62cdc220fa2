import type { TrainedRole } from '@trikd/core/domain/role';
import type { ServiceName } from '@trikd/process/service-process';

/** The three services of the models of one run. */
export interface Trio<Service> {
  readonly anchor: Service;
  readonly teacher: Service;
  readonly student: Service;
}

/** Starts a service of a trio. @param place of a process that computes replicas, such as `replica-1`; absent: the model itself */
export type StartModel<Service> = (
  name: ServiceName,
  settings: Readonly<Record<string, unknown>>,
  place?: string,
) => Promise<Service>;

/** A trio whose trainers have the addresses of the processes for their further replicas. */
export interface StartedTrio<Service> {
  readonly trio: Trio<Service>;
  /** The processes for replicas besides the trainers. */
  readonly further: readonly Service[];
}

/** Processes for replicas besides the trainer, by slot. */
export type FurtherReplicas = Readonly<Record<TrainedRole, number>>;
const NONE: FurtherReplicas = { teacher: 0, student: 0 };

/** Starts the services of a trio at once; before them those for further replicas, whose addresses the trainers get. */
export async function startTrio<Service extends { readonly address: string }>(
  start: StartModel<Service>,
  replicas: FurtherReplicas = NONE,
): Promise<StartedTrio<Service>> {
  const ranked = (name: ServiceName, count: number) =>
    Promise.all(Array.from({ length: count }, (_, index) => start(name, {}, `replica-${index + 1}`)));
  const further = await Promise.all([
    ranked('teacher-trainer', replicas.teacher),
    ranked('student-trainer', replicas.student),
  ]);
  const [ofTeacher, ofStudent] = further;
  const services = [
    start('anchor-server', {}),
    start('teacher-trainer', addressesIn(ofTeacher)),
    start('student-trainer', addressesIn(ofStudent)),
  ] as const;
  const [anchor, teacher, student] = await Promise.all(services);
  return { trio: { anchor, teacher, student }, further: further.flat() };
}

/** The setting of a trainer that names the processes of its replicas. */
function addressesIn(replicas: readonly { readonly address: string }[]): Readonly<Record<string, unknown>> {
  return replicas.length === 0 ? {} : { replicas: replicas.map(({ address }) => address) };
}
