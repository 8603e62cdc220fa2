import { hash } from 'node:crypto';
import type { Role, StageAttempt } from '../domain/position.js';

/** How the steps of an attempt are traced. It is part of the assignment, so all processes agree. */
export interface StepTracing {
  /** Distinguishes the traces of this run from those of all others. */
  readonly seed: string;
  /** A step is traced if this divides its number; 0 disables tracing. */
  readonly everySteps: number;
}

/** Whether a step is traced when it ends. */
export function isSampled({ everySteps }: StepTracing, step: number): boolean {
  return everySteps > 0 && step % everySteps === 0;
}

/**
 * The seed of a run.
 * @param born unique among runs of that name, such as the time of creation
 */
export function seedOf(runId: string, born: string): string {
  return hash('sha256', `trikd ${runId} ${born}`).slice(0, 32);
}

/** An attempt of a known run. */
type Attempt = Omit<StageAttempt, 'runId'>;

/**
 * The trace ids of an attempt's steps, 32 hex digits each. Every process computes them without communication, before or
 * after the step, so spans that are created later join those that other processes sent earlier.
 */
export function traceIdsOf(seed: string, { stage, attempt }: Attempt): (step: number) => string {
  const hashed = hash('sha256', `${seed} ${stage} ${attempt}`);
  const [before, middle, after] = [hashed.slice(0, 18), hashed.slice(18, 26), hashed.slice(26, 32)];
  const first = Number.parseInt(middle, 16);
  return (step) => before + hexOf(first ^ Math.imul(step, GOLDEN)) + after;
}

/**
 * Step numbers times the golden ratio: unique within 2^32 and evenly spread over any range. They form the first of the
 * 14 digits that samplers look at (W3C trace context, random trace id).
 */
const GOLDEN = 0x9e3779b1;

function hexOf(bits: number): string {
  return (bits >>> 0).toString(16).padStart(8, '0');
}

/** The trace id of one step. */
export function traceIdOf(seed: string, { step, ...attempt }: Attempt & { readonly step: number }): string {
  return traceIdsOf(seed, attempt)(step);
}

/** The owner of a span: the root, or a role's step. */
export type SpanName = 'root' | Role;

/** Second to last digit of a span id. */
const SPAN_DIGITS: Readonly<Record<SpanName, string>> = { root: '0', anchor: '1', teacher: '2', student: '3' };

/**
 * The id of a step's span, 16 hex digits: digits of its trace, then its owner. A pure function, so the same span has
 * the same id everywhere.
 */
export function spanIdOf(traceId: string, name: SpanName): string {
  return `${traceId.slice(-14)}${SPAN_DIGITS[name]}0`;
}

/**
 * The id of a phase's span: the id of the step's span with another last digit.
 * @param index below 15
 */
export function phaseSpanId(stepSpanId: string, index: number): string {
  return stepSpanId.slice(0, -1) + (index + 1).toString(16);
}

/** A sampled span as W3C trace context. */
export function traceparentOf(traceId: string, spanId: string): string {
  return `00-${traceId}-${spanId}-01`;
}

/** Identifies a span. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The span that a W3C trace context names, and whether it is sampled; undefined if the text is invalid. */
export function traceContext(traceparent: string): (SpanIds & { readonly sampled: boolean }) | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (!traceId || !spanId || !flags) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The span that a W3C trace context names; undefined if the text is invalid or the span is not sampled. */
export function sampledContext(traceparent: string): SpanIds | undefined {
  const context = traceContext(traceparent);
  return context?.sampled ? { traceId: context.traceId, spanId: context.spanId } : undefined;
}
