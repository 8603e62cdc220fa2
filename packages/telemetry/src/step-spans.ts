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
import { TrikdError } from '@trikd/core/domain/errors';
import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { Role } from '@trikd/core/domain/role';
import type { StepPhase } from '@trikd/core/timing/role-step';
import type { TrioStep } from '@trikd/core/timing/slow-steps';
import { phaseSpanId, type SpanIds, spanIdOf, traceIdOf } from '@trikd/core/timing/trace-ids';
import { type AttributeValues, PHASE_SPANS, stepSpan } from './semconv.js';
import type { HeardFrame, StepOfRole, StepTrace } from './step-memory.js';

/** Ids that were chosen for the next span, and random ones otherwise. */
export interface ChosenIds extends IdGenerator {
  /** Makes one span with these ids. */
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

/** How spans of steps are made. */
export interface StepTracer {
  readonly tracer: Tracer;
  /** The tracer's. */
  readonly ids: ChosenIds;
  /** Takes a span that is over and that the tracer has not made. */
  over(span: ReadableSpan): void;
}

/** Makes the spans of a role's step: under the root that the orchestrator makes, or will make. */
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
  if (error !== undefined) {
    span.recordException(error instanceof Error ? error : String(error), started + duration);
    span.setAttribute('error.type', error instanceof TrikdError ? error.kind : 'internal');
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
  }
  span.end(started + duration);
}

/** Spans that are recorded are of the SDK, which can read them. */
function isReadable(span: Span): span is Span & ReadableSpan {
  return span.isRecording();
}

const UNSET = { code: SpanStatusCode.UNSET };
const NOTHING: never[] = [];

/**
 * A phase as a span that is over. The tracer would begin it, ask its sampler, look at the clock and end it again, six times a step: a
 * tenth of what tracing costs. What all spans of a step have in common the step's own says once.
 */
function phaseSpan(
  parent: Span & ReadableSpan,
  { traceId, heard, step: { role, started } }: StepTrace,
  { kind, peer, offset, duration }: StepPhase,
  index: number,
): ReadableSpan {
  const parentSpanContext = parent.spanContext();
  const { spanId, traceFlags } = parentSpanContext;
  const context = { traceId, spanId: phaseSpanId(spanId, index), traceFlags };
  const begun = started + offset;
  return {
    name: PHASE_SPANS[kind],
    kind: SpanKind.INTERNAL,
    spanContext: () => context,
    parentSpanContext,
    startTime: millisToHrTime(begun),
    endTime: millisToHrTime(begun + duration),
    duration: millisToHrTime(duration),
    ended: true,
    status: UNSET,
    attributes: peer ? { 'trikd.role': role, 'trikd.peer': peer } : {},
    links: peer ? linksTo(peer, traceId, heard) : NOTHING,
    events: NOTHING,
    resource: parent.resource,
    instrumentationScope: parent.instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** A wait is linked to the span of the one who sent the frame. */
function linksTo(peer: Role, traceId: string, heard: readonly HeardFrame[]): Link[] {
  const frame = heard.find(({ from }) => from === peer);
  return frame ? [{ context: remote(frame.span ?? { traceId, spanId: spanIdOf(traceId, peer) }) }] : NOTHING;
}

/** Makes the root of a step, on which those of all roles hang. */
export function makeRootSpan(
  { tracer, ids }: StepTracer,
  attempt: GenerationAttempt,
  seed: string,
  { step, roles, duration }: TrioStep,
): void {
  const traceId = traceIdOf(seed, { ...attempt, step });
  const begun = Math.min(...roles.filter(({ role }) => role !== 'anchor').map(({ started }) => started));
  const options = { root: true, startTime: begun, attributes: attributesOf(attempt, step) };
  ids
    .with({ traceId, spanId: spanIdOf(traceId, 'root') }, () => tracer.startSpan('trikd.step', options, ROOT_CONTEXT))
    .end(begun + duration);
}

/** Something that took a while, in the trace of a role's step. */
export function makeSpanInStep(
  { tracer }: StepTracer,
  { attempt, traceId, step, role }: StepOfRole,
  { name, begun, ended }: { readonly name: string; readonly begun: number; readonly ended: number },
): void {
  const attributes = { ...attributesOf(attempt, step), 'trikd.role': role };
  const under = within(remote({ traceId, spanId: spanIdOf(traceId, role) }));
  tracer.startSpan(name, { startTime: begun, attributes }, under).end(ended);
}

function attributesOf({ runId, generation, attempt }: GenerationAttempt, step: number): AttributeValues {
  return { 'trikd.run.id': runId, 'trikd.generation': generation, 'trikd.attempt': attempt, 'trikd.step': step };
}

function remote(ids: SpanIds): SpanContext {
  return { ...ids, traceFlags: TraceFlags.SAMPLED, isRemote: true };
}

function within(context: SpanContext): Context {
  return trace.setSpanContext(ROOT_CONTEXT, context);
}
