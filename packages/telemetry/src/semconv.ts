import type { Role } from '@trikd/core/domain/role';
import type { PhaseKind } from '@trikd/core/timing/role-step';

// Every name that leaves a process as telemetry. docs/telemetry.md lists them, and a test compares the two.

/** Attributes of spans and metrics. Metrics never have one that grows without bound, such as the step. */
export const ATTRIBUTES = {
  'trikd.run.id': 'the run; on spans, and of the resource where `trikd run` started the process',
  'trikd.generation': 'counts from 0',
  'trikd.attempt': 'the start of the generation, counts from 1',
  'trikd.step': 'counts from 0 in each generation; on spans alone',
  'trikd.role': 'anchor, teacher or student',
  'trikd.phase': 'of a step: data, forward, wait, publish or backward; on metrics, since spans are named so',
  'trikd.peer': 'whom a wait was for',
  'trikd.part': 'of the objective: task, anchor or peer',
  'trikd.promoted': 'whether the student became the anchor',
  'trikd.reason': 'why spans were dropped: no room (`queue`), or nobody took them (`exporter`)',
  'rpc.method': 'of a call, such as `trikd.v1.TrainerService/Assign`; on metrics alone',
  'rpc.response.status_code': 'of a call, such as `NOT_FOUND`; on metrics alone',
  'error.type': 'the kind of the error that ended the step',
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
  'trikd.step': 'the orchestrator, after the fact: from the first beginning to the last end of both trainers',
  'trikd.train_step': 'teacher and student: a step from the images to the update',
  'trikd.anchor_step':
    'the anchor: a step from the images to the frame in its window; it may lie before the root, since it runs ahead',
  data: 'making a batch; a trainer makes that of the next step inside its forward pass',
  forward: 'from images to own logits',
  'exchange.wait': 'for the logits of `trikd.peer`; linked to the span of the sender, whose context came in the frame',
  publish: 'for room in the window of own frames',
  backward: 'losses, backward pass and update',
  'trikd.checkpoint':
    'teacher and student: params from their copy to the store, in the trace of the step before the checkpoint',
  'trikd.promotion': 'the orchestrator: from the end of a generation to what became of its student; a trace of its own',
} as const;

export interface MetricDefinition {
  /** A total is a counter whose value is known, and looked at when it is sent. */
  readonly kind: 'histogram' | 'gauge' | 'counter' | 'total';
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
const BYTES = [1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];

/** All metrics. */
export const METRICS = {
  'trikd.step.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'steps of a role, from their beginning to their end',
    attributes: ['trikd.role'],
    buckets: SECONDS,
  },
  'trikd.step.phase.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'phases of steps; those named wait are for the logits of a peer',
    attributes: ['trikd.role', 'trikd.phase', 'trikd.peer'],
    buckets: SECONDS,
  },
  'trikd.loss': {
    kind: 'gauge',
    unit: '{nat}',
    description: 'terms of the objective at the newest step, weighted as in the loss',
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
  'trikd.validation.accuracy': {
    kind: 'gauge',
    unit: '1',
    description: 'share of the validation split that the model gets right, at its newest validation',
    attributes: ['trikd.role'],
  },
  'trikd.validation.nll': {
    kind: 'gauge',
    unit: '{nat}',
    description: 'mean negative log-likelihood of the label on the validation split',
    attributes: ['trikd.role'],
  },
  'trikd.checkpoint.size': {
    kind: 'histogram',
    unit: 'By',
    description: 'states that were stored',
    attributes: ['trikd.role'],
    buckets: BYTES,
  },
  'trikd.alarms': {
    kind: 'counter',
    unit: '{alarm}',
    description: 'signs that training has gone wrong, though every number is finite',
    attributes: ['trikd.role'],
  },
  'trikd.stalls': {
    kind: 'counter',
    unit: '{stall}',
    description: 'waits that took so long that they were told',
    attributes: ['trikd.role', 'trikd.peer'],
  },
  'trikd.training': {
    kind: 'gauge',
    unit: '{run}',
    description: '1 while a generation is trained, 0 otherwise; told by the orchestrator that leads',
    attributes: [],
  },
  'trikd.generation': {
    kind: 'gauge',
    unit: '{generation}',
    description: 'the generation in hand; told by the orchestrator that leads',
    attributes: [],
  },
  'trikd.attempts': {
    kind: 'counter',
    unit: '{attempt}',
    description: 'starts of generations: more than one of each means that attempts were lost',
    attributes: [],
  },
  'trikd.pairs': {
    kind: 'counter',
    unit: '{pair}',
    description: 'pairs of checkpoints that were committed',
    attributes: [],
  },
  'trikd.promotions': {
    kind: 'counter',
    unit: '{generation}',
    description: 'generations that were judged',
    attributes: ['trikd.promoted'],
  },
  'trikd.spans.dropped': {
    kind: 'total',
    unit: '{span}',
    description: 'spans that did not get to the collector',
    attributes: ['trikd.reason'],
  },
  'trikd.calls': {
    kind: 'counter',
    unit: '{call}',
    description: 'gRPC calls that have ended, on the side of the server',
    attributes: ['rpc.method', 'rpc.response.status_code'],
  },
  'trikd.failures': {
    kind: 'counter',
    unit: '{run}',
    description: 'runs that ended by an error',
    attributes: [],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
export type Metric = keyof typeof METRICS;

/** Values of attributes. */
export type AttributeValues = Readonly<Partial<Record<Attribute, string | number | boolean>>>;
