/**
 * Loaded into a service under test before it begins (`node --import fault-agent.ts main.js`). At the n-th time that a named point is
 * reached it signals its own process, synchronously: nothing after that point has happened. The test arms it over the IPC channel and
 * reads its reports, one JSON object a line, from file descriptor 4.
 */
import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import type { Position } from '@trikd/core/domain/position';
import { FAULT_POINT_CHANNEL, type FaultPoint, type FaultPointEvent } from '@trikd/process/fault-points';

/** What happens, once. */
export interface Fault {
  readonly id: number;
  readonly point: FaultPoint;
  /** Details that the point must have to count. */
  readonly where?: Partial<FaultPointEvent>;
  /** From 1, counted from now on. */
  readonly nth: number;
  readonly signal: 'SIGKILL' | 'SIGSTOP' | 'SIGTERM';
}

/** From the test to the agent. */
export type Order = { readonly type: 'arm'; readonly fault: Fault } | { readonly type: 'disarm' };

/** From the agent to the test. */
export type Report =
  | { readonly kind: 'armed'; readonly id: number }
  /** The signal follows at once. */
  | { readonly kind: 'hit'; readonly fault: Fault; readonly reached: FaultPointEvent }
  /** `time` in milliseconds since 1970, of the clock of the process. */
  | { readonly kind: 'step' | 'pair'; readonly at: Position; readonly time: number };

const OUT = 4;
const emit = (report: Report) => void writeSync(OUT, `${JSON.stringify(report)}\n`);

let armed: { readonly fault: Fault; left: number } | undefined;

process.on('message', (order: Order) => {
  if (order.type === 'disarm') armed = undefined;
  if (order.type !== 'arm') return;
  armed = { fault: order.fault, left: order.fault.nth };
  emit({ kind: 'armed', id: order.fault.id });
});

subscribe(FAULT_POINT_CHANNEL, (message) => {
  const reached = message as FaultPointEvent;
  const { point, runId, stage, attempt, step } = reached;
  const known = runId !== undefined && stage !== undefined && attempt !== undefined && step !== undefined;
  const kind = point === 'step.trained' ? 'step' : point === 'manifest.written' ? 'pair' : undefined;
  if (kind && known) {
    emit({ kind, at: { runId, stage, attempt, step }, time: performance.timeOrigin + performance.now() });
  }
  if (!armed || armed.fault.point !== point || !fits(reached, armed.fault.where)) return;
  armed.left -= 1;
  if (armed.left > 0) return;
  const { fault } = armed;
  armed = undefined;
  emit({ kind: 'hit', fault, reached });
  process.kill(process.pid, fault.signal);
});

function fits(reached: FaultPointEvent, where: Partial<FaultPointEvent> = {}): boolean {
  const known = new Map<string, unknown>(Object.entries(reached));
  return Object.entries(where).every(([name, value]) => known.get(name) === value);
}
