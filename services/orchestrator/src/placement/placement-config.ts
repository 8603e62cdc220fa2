import { LONGEST_NAME, Priority } from '@trikd/core/run/placement';
import { Address } from '@trikd/process/address';
import { z } from 'zod';

const TrioConfig = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, '1 to 63 lower-case letters, digits and dashes')
    .describe('its own'),
  teacher: Address.describe('host:port of the teacher-trainer; the student-trainer uses it too'),
  student: Address.describe('host:port of the student-trainer; the teacher-trainer uses it too'),
  anchor: Address.describe('host:port of the anchor-server; both trainers use it too'),
});

const FixedPlacementConfig = z.strictObject({
  kind: z.literal('fixed').describe('the trios that are listed'),
  trios: z.array(TrioConfig).min(1).refine(haveOwnNames, 'two trios have the same name'),
});

function haveOwnNames(trios: readonly { readonly name: string }[]): boolean {
  return new Set(trios.map(({ name }) => name)).size === trios.length;
}

const LabelValue = z
  .string()
  .max(LONGEST_NAME)
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'lower-case letters, digits, dashes and dots, at most 63');

const KubernetesConfig = z
  .strictObject({
    kubeconfig: z.string().min(1).optional().describe('file; default: the ServiceAccount of the pod'),
    context: z.string().min(1).optional().describe('of the file; default: its current one'),
  })
  .prefault({});
export type KubernetesConfig = z.infer<typeof KubernetesConfig>;

const JobSetPlacementConfig = z.strictObject({
  kind: z.literal('jobset').describe('a JobSet of Kubernetes for each run'),
  namespace: LabelValue.describe('of the JobSets'),
  instance: LabelValue.default('trikd').describe('tells the JobSets of two installations in one namespace apart'),
  templates: z
    .string()
    .min(1)
    .default('/etc/trikd/placement')
    .describe('folder that has a JobSet template for each class of trios, in a file `<class>.yaml`'),
  class: LabelValue.optional().describe('of runs that name none; default: the only one'),
  queue: LabelValue.optional().describe(
    'LocalQueue of Kueue for runs that name none; default: their JobSets start at once',
  ),
  priorityClasses: z
    .array(
      z.strictObject({
        from: Priority.describe('lowest priority of a run that is in the class'),
        name: LabelValue.describe('WorkloadPriorityClass of Kueue'),
      }),
    )
    .default([]),
  most: z.int().positive().default(100).describe('JobSets at once; more runs wait in the queue of the orchestrator'),
  kubernetes: KubernetesConfig,
});
export type JobSetPlacementConfig = z.infer<typeof JobSetPlacementConfig>;

const InProcessPlacementConfig = z.strictObject({
  kind: z.literal('in-process').describe('one trio in the process of the orchestrator'),
});

export const PlacementConfig = z.discriminatedUnion('kind', [
  FixedPlacementConfig,
  JobSetPlacementConfig,
  InProcessPlacementConfig,
]);
export type PlacementConfig = z.infer<typeof PlacementConfig>;
