import { roleName, stepPhaseName } from '@trikd/events/names';
import { roleToJSON } from '@trikd/protocol/gen/node/trikd/v1/common';
import { type RoleStep, type SlowStep, stepPhaseKindToJSON } from '@trikd/protocol/gen/node/trikd/v1/timing';

/** An event as Chrome's trace viewer and Perfetto read it; times in microseconds. */
type TraceEvent = Readonly<Record<string, unknown>>;

/** The format that both open. https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU */
export interface Trace {
  readonly displayTimeUnit: 'ms';
  readonly traceEvents: readonly TraceEvent[];
}

/** The slowest steps, slowest first. The last event of a step counts. */
export function slowest(steps: readonly SlowStep[], count: number): readonly SlowStep[] {
  const named = new Map(steps.map((one) => [`${one.stage}/${one.attempt}/${one.step}`, one]));
  return [...named.values()].sort((a, b) => b.durationMs - a.durationMs).slice(0, count);
}

/**
 * Steps as a trace: each step is a process of the viewer, each role in it a thread, each phase a slice. What one role makes while its
 * graph computes is a thread of its own, since slices of a thread may only lie inside each other.
 */
export function traceOf(runId: string, steps: readonly SlowStep[]): Trace {
  return { displayTimeUnit: 'ms', traceEvents: steps.flatMap((step, index) => stepEvents(runId, step, index + 1)) };
}

function stepEvents(runId: string, step: SlowStep, pid: number): readonly TraceEvent[] {
  const { stage, attempt, durationMs, usualMs, traceId } = step;
  const title = `${runId}: stage ${stage}, step ${step.step} (${durationMs.toFixed(1)} ms)`;
  const start = Math.min(...step.roles.map(({ startedMs }) => startedMs));
  const args = { stage, attempt, step: step.step, usualMs, ...(traceId !== '' && { traceId }) };
  return [
    { ph: 'M', pid, name: 'process_name', args: { name: title } },
    { ph: 'M', pid, name: 'process_sort_index', args: { sort_index: pid } },
    ...step.roles.flatMap((role) => roleEvents(role, pid, start, args)),
  ];
}

function roleEvents(role: RoleStep, pid: number, start: number, args: object): readonly TraceEvent[] {
  const name = roleName(roleToJSON(role.role));
  const [tid, dataTid] = [2 * role.role, 2 * role.role + 1];
  const slice = (title: string, thread: number, fromMs: number, durationMs: number, more: object): TraceEvent => ({
    ...{ ph: 'X', pid, tid: thread, cat: 'step', name: title },
    ...{ ts: 1000 * (role.startedMs - start + fromMs), dur: 1000 * durationMs, args: more },
  });
  const phases = role.phases.map(({ kind, peer, offsetMs, durationMs }) => {
    const title = stepPhaseName(stepPhaseKindToJSON(kind), roleToJSON(peer));
    return slice(title, title === 'data' ? dataTid : tid, offsetMs, durationMs, {});
  });
  return [
    { ph: 'M', pid, tid, name: 'thread_name', args: { name } },
    { ph: 'M', pid, tid: dataTid, name: 'thread_name', args: { name: `${name}: data` } },
    slice(`step ${role.step}`, tid, 0, role.durationMs, args),
    ...phases,
  ];
}
