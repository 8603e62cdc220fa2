import { hash } from 'node:crypto';
import type { GenerationAttempt, Position, Role } from '@trikd/core/position';

/** How the steps of an attempt are traced: the same in all processes, since it comes with the assignment. */
export interface StepTracing {
  /** Tells the traces of this run from those of all others. */
  readonly seed: string;
  /** Steps whose number it divides are traced as they end; 0: none are. */
  readonly everySteps: number;
}

/** Whether a step is traced as it ends. */
export function isSampled({ everySteps }: StepTracing, step: number): boolean {
  return everySteps > 0 && step % everySteps === 0;
}

/** The seed of a run. @param born what no other run of that name has, such as the time of its creation */
export function seedOf(runId: string, born: string): string {
  return hash('sha256', `trikd ${runId} ${born}`).slice(0, 32);
}

/**
 * The trace of a step, 32 hex digits. Every process knows it without asking, before and after the step: so spans that are made after
 * the fact come together with those that others have sent long before.
 */
export function traceIdOf(seed: string, { generation, attempt, step }: Omit<Position, 'runId'>): string {
  return hash('sha256', `${seed} ${generation} ${attempt} ${step}`).slice(0, 32);
}

/** The whole attempt's trace, for what belongs to no step. */
export function attemptTraceId(seed: string, { generation, attempt }: GenerationAttempt): string {
  return hash('sha256', `${seed} ${generation} ${attempt} whole`).slice(0, 32);
}

/** Whose span: the root's, or that of a role's step. */
export type SpanName = 'root' | Role;

/** A span of a step, 16 hex digits; the same again for the same span. */
export function spanIdOf(traceId: string, name: SpanName): string {
  return hash('sha256', `${traceId} ${name}`).slice(0, 16);
}

/** The span of a phase of a role's step: that of the step, another one by its index, which is below 255. */
export function phaseSpanId(stepSpanId: string, index: number): string {
  const last = Number.parseInt(stepSpanId.slice(14), 16) ^ (index + 1);
  return stepSpanId.slice(0, 14) + last.toString(16).padStart(2, '0');
}

/** A span as W3C trace context, sampled. */
export function traceparentOf(traceId: string, spanId: string): string {
  return `00-${traceId}-${spanId}-01`;
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** What a W3C trace context names; undefined when it is none, or one of a step that is not sampled. */
export function sampledContext(traceparent: string): { readonly traceId: string; readonly spanId: string } | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (!traceId || !spanId || !flags || (Number.parseInt(flags, 16) & 1) === 0) return undefined;
  return { traceId, spanId };
}
