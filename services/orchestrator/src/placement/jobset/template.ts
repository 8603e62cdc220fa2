import { TrikdError } from '@trikd/core/domain/errors';
import { ROLES, type Role } from '@trikd/core/domain/position';
import { z } from 'zod';
import type { Claim } from '../placement.js';
import { LABELS, labelsOf, nameOf } from './objects.js';

const Texts = z.record(z.string(), z.string()).default({});
const Meta = z.looseObject({ labels: Texts, annotations: Texts }).prefault({});

const PodTemplate = z.looseObject({
  metadata: Meta,
  spec: z.looseObject({
    containers: z
      .array(z.looseObject({ ports: z.array(z.looseObject({ name: z.string().optional() })).default([]) }))
      .refine((all) => all.some(hasGrpcPort), 'expected a container with a port that is named grpc'),
  }),
});

const ReplicatedJob = z.looseObject({
  name: z.enum(ROLES),
  replicas: z.literal(1).default(1),
  template: z.looseObject({
    // As many pods as the run has replicas of the role, whatever is written here.
    spec: z.looseObject({
      parallelism: z.int().exactOptional(),
      completions: z.int().exactOptional(),
      template: PodTemplate,
    }),
  }),
});

/** A JobSet from which those of runs are made, as far as it is changed or relied on. */
export const JobSetTemplate = z.looseObject({
  apiVersion: z.literal('jobset.x-k8s.io/v1alpha2'),
  kind: z.literal('JobSet'),
  metadata: Meta,
  spec: z.looseObject({
    replicatedJobs: z
      .array(ReplicatedJob)
      .refine(
        (jobs) => jobs.length === ROLES.length && ROLES.every((role) => jobs.some(({ name }) => name === role)),
        'expected one replicated job each for teacher, student and anchor',
      ),
  }),
});
export type JobSetTemplate = z.infer<typeof JobSetTemplate>;

/** A JobSet that does not exist yet. */
export type NewJobSet = JobSetTemplate & { readonly metadata: { readonly name: string } };

function hasGrpcPort({ ports }: { readonly ports: readonly { readonly name?: string | undefined }[] }): boolean {
  return ports.some(({ name }) => name === 'grpc');
}

/** @throws TrikdError `invalid` that names the class and what is wrong */
export function parseTemplate(kind: string, yaml: unknown): JobSetTemplate {
  const parsed = JobSetTemplate.safeParse(yaml);
  if (parsed.success) return parsed.data;
  throw new TrikdError('invalid', `the JobSet template of class ${kind} is invalid:\n${z.prettifyError(parsed.error)}`);
}

/** What the orchestrator itself decides about a JobSet. */
export interface JobSetRules {
  readonly namespace: string;
  /** Tells two installations in one namespace apart. */
  readonly instance: string;
  /** LocalQueue of Kueue for runs that name none; absent: they wait in no queue. */
  readonly queue?: string;
  /** WorkloadPriorityClass of Kueue for runs with a priority of at least `from`. */
  readonly priorityClasses: readonly { readonly from: number; readonly name: string }[];
}

/**
 * The JobSet of a claim. With a queue it is suspended until Kueue admits it: all of its pods or none. A role with replicas has a pod for
 * each, whose index in its job is the rank.
 */
export function jobSetOf(template: JobSetTemplate, claim: Claim, rules: JobSetRules): NewJobSet {
  const { namespace, instance } = rules;
  const labels = labelsOf(claim, instance);
  const annotations = { [LABELS.run]: claim.runId };
  const queue = claim.queue ?? rules.queue;
  const priority = priorityClassOf(claim.priority, rules.priorityClasses);
  const { metadata, spec } = template;
  const podsOf = (role: Role) => (role === 'anchor' ? 1 : (claim.replicas?.[role] ?? 1));
  const grouped = podsOf('teacher') === 1 || podsOf('student') === 1;
  const change = { labels, annotations, grouped };
  return {
    ...template,
    metadata: {
      ...metadata,
      name: nameOf(claim, instance),
      namespace,
      labels: {
        ...metadata.labels,
        ...labels,
        ...(queue !== undefined && { [LABELS.queue]: queue }),
        ...(queue !== undefined && priority !== undefined && { [LABELS.priority]: priority }),
      },
      annotations: { ...metadata.annotations, ...annotations },
    },
    spec: {
      ...spec,
      ...(queue !== undefined && { suspend: true }),
      replicatedJobs: spec.replicatedJobs.map((job) => replicated(job, podsOf(job.name), change)),
    },
  };
}

type Job = JobSetTemplate['spec']['replicatedJobs'][number];

/** What the pods of a JobSet get. */
interface PodChange {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Whether its trainers may be a group of Kueue: one of the two roles must have a single pod. */
  readonly grouped: boolean;
}

/** A job with so many pods. */
function replicated(job: Job, pods: number, { labels, annotations, grouped }: PodChange): Job {
  const { template } = job;
  const pod = template.spec.template;
  const { [PODSET_GROUP]: group, ...others } = pod.metadata.annotations;
  const metadata = {
    ...pod.metadata,
    labels: { ...pod.metadata.labels, ...labels, [LABELS.role]: job.name },
    annotations: { ...others, ...(grouped && group !== undefined && { [PODSET_GROUP]: group }), ...annotations },
  };
  const counts = { parallelism: pods, completions: pods, completionMode: 'Indexed' };
  return { ...job, template: { ...template, spec: { ...template.spec, ...counts, template: { ...pod, metadata } } } };
}

/** The annotation with which Kueue places two pod sets in one domain of a topology. */
const PODSET_GROUP = 'kueue.x-k8s.io/podset-group-name';

/** The class of the highest threshold that a priority reaches. */
function priorityClassOf(priority: number, classes: JobSetRules['priorityClasses']): string | undefined {
  const reached = classes.filter(({ from }) => priority >= from).toSorted((a, b) => b.from - a.from);
  return reached[0]?.name;
}
