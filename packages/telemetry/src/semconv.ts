import type { Role } from '@trikd/core/domain/position';
import { METRICS as SCORE_METRICS } from '@trikd/core/tasks/metrics';
import type { PhaseKind } from '@trikd/core/timing/role-step';

// Every name that leaves a process as telemetry. docs/telemetry.md lists them, and a test compares the two.

/** Attributes of spans and metrics. Metrics never have one that grows without bound, such as the step. */
export const ATTRIBUTES = {
  'trikd.run.id': 'name of the run; on spans, and on the resource of processes that `trikd run` starts',
  'trikd.stage': 'counts from 0',
  'trikd.attempt': 'start of the stage, counts from 1',
  'trikd.step': 'counts from 0 in each stage; on spans only',
  'trikd.role': 'anchor, teacher or student',
  'trikd.phase': 'phase of a step: data, forward, wait, publish or backward; on metrics only',
  'trikd.peer': 'role that a wait was for',
  'trikd.part': 'term of the objective: task, or the model that it learns from, such as anchor or teacher',
  'trikd.promoted': 'whether the student became the anchor',
  'trikd.reason':
    'why spans were dropped (`queue` is full, `exporter` failed), a run waits (`WaitingForTrio`, `QuotaWait`, `Unschedulable`, ' +
    '`ImagePull`, `Starting`, `Crashing`, `Preempted`), or it lost its trio (`trio-draining`, `trio-away`, `preempted`)',
  'trikd.outcome': 'of a request to a model of another server: answered or failed; on metrics only',
  'trikd.priority': 'of a run: `low` is below 0, `normal` is 0, `high` is above; on metrics only',
  'trikd.state': 'of a trio: taken, ready, draining or away; on metrics only',
  'trikd.limit': 'name of a limit, such as `limits.callsPerSecond`; on metrics only',
  'rpc.method': 'method of a call, such as `trikd.v1.TrainerService/Assign`; on metrics only',
  'rpc.response.status_code': 'status of a call, such as `NOT_FOUND`; on metrics only',
  'cpu.mode': 'user or system; on metrics only',
  'trikd.model': 'name of a served model, such as `RUN` or `RUN.teacher`',
  'trikd.version': 'version of a served model that answered; on spans only',
  'trikd.rows': 'images of a request; on spans only',
  'trikd.batches': 'batches in which the images of a request were computed; on spans only',
  'trikd.batch.rows': 'images of these batches, those of other requests too; on spans only',
  'error.type': 'kind of the error that ended the step or the request; absent when none did',
} as const;
export type Attribute = keyof typeof ATTRIBUTES;

/** The spans of a phase. */
export const PHASE_SPANS: Readonly<Record<PhaseKind, string>> = {
  data: 'data',
  forward: 'forward',
  wait: 'exchange.wait',
  publish: 'publish',
  backward: 'backward',
};

/** The span of a role's step. */
export function stepSpan(role: Role): 'trikd.anchor_step' | 'trikd.train_step' {
  return role === 'anchor' ? 'trikd.anchor_step' : 'trikd.train_step';
}

/** All spans, and where they come from. */
export const SPANS = {
  'trikd.step': 'orchestrator: from the first start to the last end of both trainers; created afterwards',
  'trikd.train_step': 'teacher, student: a step from the images to the update',
  'trikd.anchor_step': 'anchor: a step from the images to the frame in its window; may start before the root span',
  data: 'making a batch; a trainer makes the next one during its forward pass',
  forward: 'from the images to the logits',
  'exchange.wait': 'waiting for the logits of `trikd.peer`; linked to the span of the producer',
  publish: 'waiting for room in the frame window',
  backward: 'losses, backward pass and update',
  'trikd.remote_call': 'anchor: a request to a model of another server for the step, which is made ahead of it',
  'trikd.checkpoint': 'teacher, student: from the copy of the state to the stored blob; in the trace of the last step',
  'trikd.inference':
    'anchor: a request for outputs of a served model, from its arrival to its answer; below the span of its caller',
  'inference.queue': 'waiting until the first of its images were computed',
  'inference.compute': 'from the start of the first of its batches to the end of the last one',
  'trikd.promotion': 'orchestrator: from the end of a stage to the decision about its student; a trace of its own',
} as const;

export interface MetricDefinition {
  /** A total is a counter whose value is known, and looked at when it is sent; an amount is one that falls too, an UpDownCounter. */
  readonly kind: 'histogram' | 'gauge' | 'counter' | 'total' | 'amount';
  /** Of UCUM; a text in braces is a mere remark. */
  readonly unit: string;
  readonly description: string;
  readonly attributes: readonly Attribute[];
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

/** From tenths of a millisecond to a minute, about two and a half to each. */
const SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
/** From a second to three days. */
const WAITS = [1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 72 * 3600];
const BYTES = [1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];

type ValidationMetric = `trikd.validation.${string}`;

/** A gauge for each metric of a score, such as `trikd.validation.nll`. */
function validationMetrics(): Readonly<Record<ValidationMetric, MetricDefinition>> {
  const gauges = SCORE_METRICS.filter(({ ofBatch }) => !ofBatch).map(({ name, label, format, unit }) => {
    const description = `${label} on the validation split, at the newest validation`;
    const units = format === 'number' && unit !== undefined ? `{${unit}}` : '1';
    return [
      `trikd.validation.${name}`,
      { kind: 'gauge', unit: units, description, attributes: ['trikd.role'] },
    ] as const;
  });
  return Object.fromEntries(gauges);
}

/** All metrics. */
export const METRICS = {
  'trikd.step.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'duration of a step of a role',
    attributes: ['trikd.role'],
    buckets: SECONDS,
  },
  'trikd.step.phase.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'duration of a phase of a step; `wait` has the role waited for',
    attributes: ['trikd.role', 'trikd.phase', 'trikd.peer'],
    buckets: SECONDS,
  },
  'trikd.loss': {
    kind: 'gauge',
    unit: '{nat}',
    description: 'value of each term of the objective at the newest step, weighted',
    attributes: ['trikd.role', 'trikd.part'],
  },
  'trikd.gradient.norm': {
    kind: 'gauge',
    unit: '{norm}',
    description: 'global norm of the newest gradient, before clipping',
    attributes: ['trikd.role'],
  },
  'trikd.learning_rate': {
    kind: 'gauge',
    unit: '{rate}',
    description: 'learning rate of the newest step',
    attributes: ['trikd.role'],
  },
  ...validationMetrics(),
  'trikd.checkpoint.size': {
    kind: 'histogram',
    unit: 'By',
    description: 'size of the stored states',
    attributes: ['trikd.role'],
    buckets: BYTES,
  },
  'trikd.alarms': {
    kind: 'counter',
    unit: '{alarm}',
    description: 'signs of failed training while every number is finite',
    attributes: ['trikd.role'],
  },
  'trikd.stalls': {
    kind: 'counter',
    unit: '{stall}',
    description: 'waits that were reported as stalls',
    attributes: ['trikd.role', 'trikd.peer'],
  },
  'trikd.remote.requests': {
    kind: 'counter',
    unit: '{request}',
    description: 'requests for logits to models of other servers; one that failed may have been repeated',
    attributes: ['trikd.part', 'trikd.outcome'],
  },
  'trikd.remote.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'duration of a request for logits to a model of another server',
    attributes: ['trikd.part'],
    buckets: SECONDS,
  },
  'trikd.remote.kept': {
    kind: 'counter',
    unit: '{step}',
    description: 'steps whose answers of a remote model were kept from an earlier attempt, and not asked for again',
    attributes: ['trikd.part'],
  },
  'trikd.training': {
    kind: 'gauge',
    unit: '{run}',
    description: 'runs that train; from the leader',
    attributes: [],
  },
  'trikd.stage': {
    kind: 'gauge',
    unit: '{stage}',
    description: 'stage that began last, of any run; from the leader',
    attributes: [],
  },
  'trikd.attempts': {
    kind: 'counter',
    unit: '{attempt}',
    description: 'starts of stages; more than one for each stage means lost attempts',
    attributes: [],
  },
  'trikd.pairs': {
    kind: 'counter',
    unit: '{pair}',
    description: 'committed pairs',
    attributes: [],
  },
  'trikd.promotions': {
    kind: 'counter',
    unit: '{stage}',
    description: 'decisions about a candidate',
    attributes: ['trikd.promoted'],
  },
  'trikd.runs.queued': {
    kind: 'gauge',
    unit: '{run}',
    description: 'runs that wait for a trio; from the leader',
    attributes: ['trikd.reason', 'trikd.priority'],
  },
  'trikd.runs.placed': {
    kind: 'gauge',
    unit: '{run}',
    description: 'runs that have a trio; from the leader',
    attributes: [],
  },
  'trikd.queue.oldest': {
    kind: 'gauge',
    unit: 's',
    description: 'longest time that a queued run has waited, since it was queued last; from the leader',
    attributes: ['trikd.reason'],
  },
  'trikd.queue.wait': {
    kind: 'histogram',
    unit: 's',
    description: 'time from when a run was queued until it got a trio',
    attributes: ['trikd.priority'],
    buckets: WAITS,
  },
  'trikd.displacements': {
    kind: 'counter',
    unit: '{run}',
    description: 'runs that lost their trio and were queued again',
    attributes: ['trikd.reason'],
  },
  'trikd.trios': {
    kind: 'gauge',
    unit: '{trio}',
    description: 'trios of the configuration, or JobSets of Kubernetes; from the leader',
    attributes: ['trikd.state'],
  },
  'trikd.spans.dropped': {
    kind: 'total',
    unit: '{span}',
    description: 'spans that did not reach the collector',
    attributes: ['trikd.reason'],
  },
  'trikd.calls': {
    kind: 'counter',
    unit: '{call}',
    description: 'gRPC calls that have ended, seen by the server',
    attributes: ['rpc.method', 'rpc.response.status_code'],
  },
  'trikd.refusals': {
    kind: 'counter',
    unit: '{refusal}',
    description: 'calls that a limit refused, and connections that it closed',
    attributes: ['trikd.limit'],
  },
  'process.cpu.time': {
    kind: 'total',
    unit: 's',
    description: 'CPU time of all threads of the process',
    attributes: ['cpu.mode'],
  },
  'process.memory.usage': {
    kind: 'amount',
    unit: 'By',
    description: 'resident memory of the process',
    attributes: [],
  },
  'trikd.inference.requests': {
    kind: 'counter',
    unit: '{request}',
    description: 'requests for outputs of a served model that have ended',
    attributes: ['trikd.model', 'error.type'],
  },
  'trikd.inference.rows': {
    kind: 'counter',
    unit: '{row}',
    description: 'images of these requests',
    attributes: ['trikd.model'],
  },
  'trikd.inference.batch.size': {
    kind: 'histogram',
    unit: '{row}',
    description: 'rows that a served model computed together',
    attributes: ['trikd.model'],
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
  },
  'trikd.inference.queue.rows': {
    kind: 'gauge',
    unit: '{row}',
    description: 'rows that wait for a served model',
    attributes: ['trikd.model'],
  },
  'trikd.inference.queue.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'time that a request waited until its first row was computed',
    attributes: ['trikd.model'],
    buckets: SECONDS,
  },
  'trikd.inference.compute.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'time in which a served model computed a batch',
    attributes: ['trikd.model'],
    buckets: SECONDS,
  },
  'trikd.failures': {
    kind: 'counter',
    unit: '{run}',
    description: 'runs that failed',
    attributes: [],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
export type Metric = keyof typeof METRICS | ValidationMetric;

/** Values of attributes. */
export type AttributeValues = Readonly<Partial<Record<Attribute, string | number | boolean>>>;
