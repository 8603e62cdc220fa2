import {
  type Context,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { IdGenerator } from '@opentelemetry/sdk-trace';
import { RandomIdGenerator } from '@opentelemetry/sdk-trace';
import { TrikdError } from '@trikd/core/errors';
import type { GenerationAttempt } from '@trikd/core/position';
import type { StepPhase } from '@trikd/core/timing/role-step';
import type { TrioStep } from '@trikd/core/timing/slow-steps';
import { type AttributeValues, PHASE_SPANS, stepSpan } from './semconv.js';
import type { StepOfRole, StepTrace } from './step-memory.js';
import { phaseSpanId, sampledContext, spanIdOf, traceIdOf } from './trace-ids.js';

/** Ids that were chosen for the next span, and random ones otherwise. */
export interface ChosenIds extends IdGenerator {
  /** Makes one span with these ids. */
  with<T>(ids: { readonly traceId: string; readonly spanId: string }, make: () => T): T;
}

export function chosenIds(): ChosenIds {
  const random = new RandomIdGenerator();
  let chosen: { readonly traceId: string; readonly spanId: string } | undefined;
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

/** A tracer and the ids of its spans. */
export interface StepTracer {
  readonly tracer: Tracer;
  readonly ids: ChosenIds;
}

/** Makes the spans of a role's step: under the root that the orchestrator makes, or will make. */
export function makeStepSpans({ tracer, ids }: StepTracer, { attempt, seed, step, heard, error }: StepTrace): void {
  const { role, started, duration } = step;
  const traceId = traceIdOf(seed, { ...attempt, step: step.step });
  const attributes = { ...attributesOf(attempt, step.step), 'trikd.role': role };
  const links = (phase: StepPhase): Link[] => {
    const context = phase.peer && sampledContext(heard.get(phase.peer) ?? '');
    return context ? [{ context: remote(context) }] : [];
  };
  const under = within(remote({ traceId, spanId: spanIdOf(traceId, 'root') }));
  const stepId = spanIdOf(traceId, role);
  const span = ids.with({ traceId, spanId: stepId }, () =>
    tracer.startSpan(stepSpan(role), { startTime: started, attributes }, under),
  );
  const inside = trace.setSpan(ROOT_CONTEXT, span);
  for (const [index, phase] of step.phases.entries()) {
    const begun = started + phase.offset;
    // What all spans of a step have in common its own span says once.
    const options = {
      startTime: begun,
      ...(phase.peer && { attributes: { 'trikd.role': role, 'trikd.peer': phase.peer }, links: links(phase) }),
    };
    ids
      .with({ traceId, spanId: phaseSpanId(stepId, index) }, () =>
        tracer.startSpan(PHASE_SPANS[phase.kind], options, inside),
      )
      .end(begun + phase.duration);
  }
  if (error !== undefined) {
    span.recordException(error instanceof Error ? error : String(error), started + duration);
    span.setAttribute('error.type', error instanceof TrikdError ? error.kind : 'internal');
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
  }
  span.end(started + duration);
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
  { attempt, seed, step, role }: StepOfRole,
  { name, begun, ended }: { readonly name: string; readonly begun: number; readonly ended: number },
): void {
  const traceId = traceIdOf(seed, { ...attempt, step });
  const attributes = { ...attributesOf(attempt, step), 'trikd.role': role };
  const under = within(remote({ traceId, spanId: spanIdOf(traceId, role) }));
  tracer.startSpan(name, { startTime: begun, attributes }, under).end(ended);
}

function attributesOf({ runId, generation, attempt }: GenerationAttempt, step: number): AttributeValues {
  return { 'trikd.run.id': runId, 'trikd.generation': generation, 'trikd.attempt': attempt, 'trikd.step': step };
}

function remote(ids: { readonly traceId: string; readonly spanId: string }): SpanContext {
  return { ...ids, traceFlags: TraceFlags.SAMPLED, isRemote: true };
}

function within(context: SpanContext): Context {
  return trace.setSpanContext(ROOT_CONTEXT, context);
}
