import { hash } from 'node:crypto';
import type { GenerationAttempt } from '../domain/position.js';
import type { Role } from '../domain/role.js';

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

/** An attempt of a run that is known. */
type Attempt = Omit<GenerationAttempt, 'runId'>;

/**
 * The traces of an attempt's steps, 32 hex digits each. Every process knows them without asking, before and after the step: so spans that
 * are made after the fact come together with those that others have sent long before.
 */
export function traceIdsOf(seed: string, { generation, attempt }: Attempt): (step: number) => string {
  const hashed = hash('sha256', `${seed} ${generation} ${attempt}`);
  const [before, middle, after] = [hashed.slice(0, 18), hashed.slice(18, 26), hashed.slice(26, 32)];
  const first = Number.parseInt(middle, 16);
  return (step) => before + hexOf(first ^ Math.imul(step, GOLDEN)) + after;
}

/**
 * Steps times the golden ratio: no two alike within 2^32, and any stretch of them spread evenly. They are the first of the 14 digits that
 * samplers look at (W3C trace context, random trace id).
 */
const GOLDEN = 0x9e3779b1;

function hexOf(bits: number): string {
  return (bits >>> 0).toString(16).padStart(8, '0');
}

/** The trace of one step. */
export function traceIdOf(seed: string, { step, ...attempt }: Attempt & { readonly step: number }): string {
  return traceIdsOf(seed, attempt)(step);
}

/** Whose span: the root's, or that of a role's step. */
export type SpanName = 'root' | Role;

/** Last digits but one of a span id. */
const SPAN_DIGITS: Readonly<Record<SpanName, string>> = { root: '0', anchor: '1', teacher: '2', student: '3' };

/** A span of a step, 16 hex digits: those of its trace, then whose it is; the same again for the same span. */
export function spanIdOf(traceId: string, name: SpanName): string {
  return `${traceId.slice(-14)}${SPAN_DIGITS[name]}0`;
}

/** The span of a phase of a role's step: that of the step, with another last digit. @param index below 15 */
export function phaseSpanId(stepSpanId: string, index: number): string {
  return stepSpanId.slice(0, -1) + (index + 1).toString(16);
}

/** A span as W3C trace context, sampled. */
export function traceparentOf(traceId: string, spanId: string): string {
  return `00-${traceId}-${spanId}-01`;
}

/** Names a span. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** What a W3C trace context names; undefined when it is none, or one of a step that is not sampled. */
export function sampledContext(traceparent: string): SpanIds | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (!traceId || !spanId || !flags || (Number.parseInt(flags, 16) & 1) === 0) return undefined;
  return { traceId, spanId };
}
