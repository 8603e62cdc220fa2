/**
 * One attack, in a process of its own with little memory. Ends after the given seconds and prints its tally as JSON.
 *
 * usage: node attacker.ts '{"attack":"watch-resets","seconds":3,"target":{…}}'
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Attack, Target } from './attack.ts';
import { eventStreams } from './event-streams.ts';
import { idleConnections } from './idle-connections.ts';
import { largeMessages } from './large-messages.ts';
import { triggers } from './triggers.ts';
import { watchResets } from './watch-resets.ts';

/** What the process is told. */
export interface Order {
  readonly attack: string;
  readonly seconds: number;
  readonly target: Target;
  /** Of a core, for `busy-loop`. */
  readonly share?: number;
}

const BUSY_MS = 20;

/** Attacks nothing: what a machine loses to the mere processor time of an attacker beside it. */
async function busyLoop(share: number, signal: AbortSignal) {
  while (!signal.aborted) {
    const until = performance.now() + BUSY_MS * share;
    while (performance.now() < until);
    await pause(BUSY_MS * (1 - share));
  }
  return { attempts: 0, answers: {} };
}

const order: Order = JSON.parse(process.argv[2] ?? '{}');
const attacks: Readonly<Record<string, Attack>> = {
  'watch-resets': watchResets,
  'event-streams': eventStreams,
  'idle-connections': idleConnections,
  'large-messages': largeMessages,
  triggers,
  'busy-loop': (_target, signal) => busyLoop(Math.min(1, order.share ?? 1), signal),
};
const attack = attacks[order.attack];
if (!attack) throw new Error(`there is no attack ${order.attack}`);
const tally = await attack(order.target, AbortSignal.timeout(1000 * order.seconds));
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ ...tally, cpuSeconds: (user + system) / 1e6 }));
process.exit();
