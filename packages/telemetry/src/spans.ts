import {
  type Context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { millisToHrTime } from '@opentelemetry/core';
import { type IdGenerator, RandomIdGenerator, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import type { Role, StageAttempt } from '@trikd/core/domain/position';
import type { StepPhase } from '@trikd/core/timing/role-step';
import type { TrioStep } from '@trikd/core/timing/slow-steps';
import { phaseSpanId, type SpanIds, spanIdOf, traceIdOf } from '@trikd/core/timing/trace-ids';
import type { RequestTrace } from './request-trace.js';
import { type AttributeValues, PHASE_SPANS, stepSpan } from './semconv.js';
import type { StepOfRole, StepTrace, TracedFrame } from './step-trace.js';

/** Generates random ids, unless others are set. */
export interface ChosenIds extends IdGenerator {
  /** Sets the ids of the one span that `make` creates. */
  with<T>(ids: SpanIds, make: () => T): T;
}

export function chosenIds(): ChosenIds {
  const random = new RandomIdGenerator();
  let chosen: SpanIds | undefined;
  return {
    generateTraceId: () => chosen?.traceId ?? random.generateTraceId(),
    generateSpanId: () => chosen?.spanId ?? random.generateSpanId(),
    with(ids, make) {
      chosen = ids;
      try {
        return make();
      } finally {
        chosen = undefined;
      }
    },
  };
}

/** Creates the spans of steps. */
export interface StepTracer {
  readonly tracer: Tracer;
  /** The id generator of `tracer`. */
  readonly ids: ChosenIds;
  /** Exports a finished span that `tracer` has not created. */
  over(span: ReadableSpan): void;
}

/** Creates the spans of a role's step, below the root span that the orchestrator creates. */
export function makeStepSpans({ tracer, ids, over }: StepTracer, made: StepTrace): void {
  const { attempt, traceId, step, error } = made;
  const { role, started, duration } = step;
  const attributes = { ...attributesOf(attempt, step.step), 'trikd.role': role };
  const under = within(remote({ traceId, spanId: spanIdOf(traceId, 'root') }));
  const span = ids.with({ traceId, spanId: spanIdOf(traceId, role) }, () =>
    tracer.startSpan(stepSpan(role), { startTime: started, attributes }, under),
  );
  if (!isReadable(span)) return;
  for (const [index, phase] of step.phases.entries()) over(phaseSpan(span, made, phase, index));
  for (const { participant, started: asked, ended } of made.calls ?? []) {
    const options = { startTime: asked, attributes: { 'trikd.role': role, 'trikd.part': participant } };
    tracer.startSpan('trikd.remote_call', options, within(span.spanContext())).end(ended);
  }
  if (error !== undefined) {
    span.recordException(error instanceof Error ? error : String(error), started + duration);
    span.setAttribute('error.type', error instanceof TrikdError ? error.kind : 'internal');
    span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
  }
  span.end(started + duration);
}

/** Recording spans are those of the SDK, which are readable. */
function isReadable(span: Span): span is Span & ReadableSpan {
  return span.isRecording();
}

const UNSET = { code: SpanStatusCode.UNSET };
const NOTHING: never[] = [];

/**
 * Creates the finished span of a phase. The tracer would start it, call its sampler, read the clock and end it, six times
 * a step: a tenth of the cost of tracing. Attributes that all spans of a step share are on the span of the step only.
 */
function phaseSpan(
  parent: Span & ReadableSpan,
  { traceId, received, step: { role, started } }: StepTrace,
  { kind, peer, offset, duration }: StepPhase,
  index: number,
): ReadableSpan {
  const parentSpanContext = parent.spanContext();
  const { spanId, traceFlags } = parentSpanContext;
  const context = { traceId, spanId: phaseSpanId(spanId, index), traceFlags };
  const startTime = started + offset;
  return {
    name: PHASE_SPANS[kind],
    kind: SpanKind.INTERNAL,
    spanContext: () => context,
    parentSpanContext,
    startTime: millisToHrTime(startTime),
    endTime: millisToHrTime(startTime + duration),
    duration: millisToHrTime(duration),
    ended: true,
    status: UNSET,
    attributes: peer ? { 'trikd.role': role, 'trikd.peer': peer } : {},
    links: peer ? linksTo(peer, traceId, received) : NOTHING,
    events: NOTHING,
    resource: parent.resource,
    instrumentationScope: parent.instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** A wait is linked to the span of the frame's producer. */
function linksTo(peer: Role, traceId: string, received: readonly TracedFrame[]): Link[] {
  const frame = received.find(({ from }) => from === peer);
  return frame ? [{ context: remote(frame.span ?? { traceId, spanId: spanIdOf(traceId, peer) }) }] : NOTHING;
}

/** Creates the root span of a step, the parent of the spans of all roles. */
export function makeRootSpan(
  { tracer, ids }: StepTracer,
  attempt: StageAttempt,
  seed: string,
  { step, roles, duration }: TrioStep,
): void {
  const traceId = traceIdOf(seed, { ...attempt, step });
  const startTime = Math.min(...roles.filter(({ role }) => role !== 'anchor').map(({ started }) => started));
  const options = { root: true, startTime, attributes: attributesOf(attempt, step) };
  ids
    .with({ traceId, spanId: spanIdOf(traceId, 'root') }, () => tracer.startSpan('trikd.step', options, ROOT_CONTEXT))
    .end(startTime + duration);
}

/** Creates a span below a role's step. */
export function makeSpanInStep(
  { tracer }: StepTracer,
  { attempt, traceId, step, role }: StepOfRole,
  { name, started, ended }: { readonly name: string; readonly started: number; readonly ended: number },
): void {
  const attributes = { ...attributesOf(attempt, step), 'trikd.role': role };
  const under = within(remote({ traceId, spanId: spanIdOf(traceId, role) }));
  tracer.startSpan(name, { startTime: started, attributes }, under).end(ended);
}

function attributesOf({ runId, stage, attempt }: StageAttempt, step: number): AttributeValues {
  return { 'trikd.run.id': runId, 'trikd.stage': stage, 'trikd.attempt': attempt, 'trikd.step': step };
}

function remote(ids: SpanIds): SpanContext {
  return { ...ids, traceFlags: TraceFlags.SAMPLED, isRemote: true };
}

function within(context: SpanContext): Context {
  return trace.setSpanContext(ROOT_CONTEXT, context);
}

/** Kinds of errors that are the server's own: those of a request leave the status of its span unset. */
const OWN_FAULTS: ReadonlySet<string> = new Set(['unavailable', 'corrupt', 'internal']);

/** Creates the spans of a request: of all of it, and below that of its wait in the queue and of its computation. */
export function makeRequestSpans(
  tracer: Tracer,
  { parent, model, started, ended, computed, error }: RequestTrace,
): void {
  const caller = parent && { ...parent, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  const attributes = {
    'trikd.model': model,
    ...(computed && { 'trikd.version': computed.version, 'trikd.rows': computed.rows }),
    ...(error && { 'error.type': error.type }),
  };
  const span = tracer.startSpan(
    'trikd.inference',
    { kind: SpanKind.SERVER, startTime: started, attributes },
    caller ? trace.setSpanContext(ROOT_CONTEXT, caller) : ROOT_CONTEXT,
  );
  if (computed) {
    const { batches } = computed;
    const below = trace.setSpanContext(ROOT_CONTEXT, span.spanContext());
    const first = Math.min(...batches.map((batch) => batch.started));
    const last = Math.max(...batches.map((batch) => batch.ended));
    tracer.startSpan('inference.queue', { startTime: started }, below).end(first);
    const sizes = {
      'trikd.batches': batches.length,
      'trikd.batch.rows': batches.reduce((sum, { rows }) => sum + rows, 0),
    };
    tracer.startSpan('inference.compute', { startTime: first, attributes: sizes }, below).end(last);
  }
  if (error && OWN_FAULTS.has(error.type)) span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
  span.end(ended);
}
