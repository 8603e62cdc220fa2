/**
 * Loaded into a service under test before it begins (`node --import fault-agent.ts main.js`). At the n-th time that a named point is
 * reached it signals its own process, synchronously: nothing after that point has happened. The test arms it over the IPC channel and
 * reads what it tells, one JSON object a line, from file descriptor 4.
 */
import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import type { Position } from '@trikd/core/domain/position';
import { POINT_CHANNEL, type Point, type Reached } from '@trikd/process/points';

/** What is to happen, once. */
export interface Fault {
  readonly id: number;
  readonly point: Point;
  /** Details that the point must have to count. */
  readonly where?: Partial<Reached>;
  /** From 1, counted from now on. */
  readonly nth: number;
  readonly signal: 'SIGKILL' | 'SIGSTOP' | 'SIGTERM';
}

/** What the test says. */
export type Order = { readonly type: 'arm'; readonly fault: Fault } | { readonly type: 'disarm' };

/** What the agent says. */
export type Told =
  | { readonly kind: 'armed'; readonly id: number }
  /** The signal follows at once. */
  | { readonly kind: 'hit'; readonly fault: Fault; readonly reached: Reached }
  | { readonly kind: 'step' | 'pair'; readonly at: Position };

const OUT = 4;
const tell = (told: Told) => void writeSync(OUT, `${JSON.stringify(told)}\n`);

let armed: { readonly fault: Fault; left: number } | undefined;

process.on('message', (order: Order) => {
  if (order.type === 'disarm') armed = undefined;
  if (order.type !== 'arm') return;
  armed = { fault: order.fault, left: order.fault.nth };
  tell({ kind: 'armed', id: order.fault.id });
});

subscribe(POINT_CHANNEL, (message) => {
  const reached = message as Reached;
  const { point, runId, generation, attempt, step } = reached;
  const known = runId !== undefined && generation !== undefined && attempt !== undefined && step !== undefined;
  const kind = point === 'step.trained' ? 'step' : point === 'manifest.written' ? 'pair' : undefined;
  if (kind && known) tell({ kind, at: { runId, generation, attempt, step } });
  if (!armed || armed.fault.point !== point || !fits(reached, armed.fault.where)) return;
  armed.left -= 1;
  if (armed.left > 0) return;
  const { fault } = armed;
  armed = undefined;
  tell({ kind: 'hit', fault, reached });
  process.kill(process.pid, fault.signal);
});

function fits(reached: Reached, where: Partial<Reached> = {}): boolean {
  const known = new Map<string, unknown>(Object.entries(reached));
  return Object.entries(where).every(([name, value]) => known.get(name) === value);
}
