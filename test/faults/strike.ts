import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterEvent } from '@trikd/testing/processes/cluster';
import type { Fault, Report } from '@trikd/testing/processes/fault-agent';
import type { PlannedFault, Victim } from './fault-plan.js';
import type { PairStep } from './step-book.js';
import type { Trio } from './trio.js';

/** A fault that happened. */
export interface Strike {
  readonly planned: PlannedFault;
  /** A pair was committed since the fault before, so its cost is its own. */
  readonly alone: boolean;
  readonly service: string;
  /** Milliseconds until both trainers trained on; undefined when the run ended before. */
  readonly recoveryMs?: number;
  /** Steps that the attempts after it trained again, each. */
  readonly replays: readonly number[];
}

type Hit = ClusterEvent & { readonly kind: 'reported'; readonly report: Report & { readonly kind: 'hit' } };

let faults = 0;

/** Waits for a fault to happen, with the one before it if it has one, and for the run to go on. Undefined when the run ended before. */
export async function strike(
  trio: Trio,
  runId: string,
  planned: PlannedFault,
  over: Promise<undefined>,
): Promise<readonly Strike[] | undefined> {
  if (!(await unlessOver(Promise.all(trio.services.map((service) => service.listening())), over))) return undefined;
  const { after } = planned;
  const alone = !after;
  if (alone && !(await unlessOver(nextPair(trio, runId), over))) return undefined;
  const strikes: Strike[] = [];
  for (const each of after ? [after, planned] : [planned]) {
    const attempts = trio.steps.replays(runId).length;
    const before = trio.steps.last(runId);
    const struck =
      each.victim === 'store'
        ? await strikeStore(trio, runId, each, over)
        : await strikeService(trio, each, each.victim, over);
    if (!struck) break;
    // Another fault, if there is one, lies on the way back from this one.
    const isBackFrom = (step: PairStep) => isBack(step, runId, each, struck.before ?? before);
    const back = each === planned && (await unlessOver(trio.steps.next(isBackFrom), over));
    const replays = trio.steps.replays(runId).slice(attempts);
    strikes.push({
      planned: each,
      alone,
      service: struck.name,
      replays: replays.map(({ steps }) => steps),
      ...(back && each.signal !== 'SIGSTOP' && { recoveryMs: back.at - struck.at }),
    });
  }
  return strikes.length > 0 ? strikes : undefined;
}

function nextPair(trio: Trio, runId: string): Promise<ClusterEvent> {
  const isPair = (event: ClusterEvent): event is ClusterEvent =>
    event.kind === 'reported' && event.report.kind === 'pair' && event.report.at.runId === runId;
  return trio.until(isPair);
}

/** The process that was struck, when, and the last step before. */
interface Struck {
  readonly name: string;
  readonly at: number;
  readonly before?: PairStep;
}

/** Arms every process that may reach the point, and waits until one of them does. */
async function strikeService(
  trio: Trio,
  { point, nth, signal, stopMs }: PlannedFault,
  kind: Exclude<Victim, 'store'>,
  over: Promise<undefined>,
): Promise<Struck | undefined> {
  const victims = trio.of(kind);
  const fault: Fault = { id: faults++, point, nth, signal };
  const isHit = (event: ClusterEvent): event is Hit =>
    event.kind === 'reported' && event.report.kind === 'hit' && event.report.fault.id === fault.id;
  const hit = trio.until(isHit);
  for (const victim of victims) victim.arm(fault);
  const found = await unlessOver(hit, over);
  for (const victim of victims) victim.disarm();
  const victim = victims.find(({ name }) => name === found?.service);
  if (!found || !victim) return undefined;
  const before = trio.steps.last(found.report.reached.runId ?? '');
  if (signal === 'SIGSTOP') {
    await delay(stopMs);
    victim.signal('SIGCONT');
  } else await victim.ended();
  return { name: victim.name, at: found.at, ...(before && { before }) };
}

async function strikeStore(
  trio: Trio,
  runId: string,
  { nth }: PlannedFault,
  over: Promise<undefined>,
): Promise<Struck | undefined> {
  let left = nth;
  const due = trio.steps.next((step) => {
    left -= Number(step.runId === runId);
    return left <= 0;
  });
  const step = await unlessOver(due, over);
  if (!step) return undefined;
  const at = performance.now();
  await trio.restartStore?.();
  return { name: 'minio', at, before: step };
}

/**
 * Whether the trio trains again for good. The loss of a trainer, of the leader, or of the anchor that serves costs an attempt: what is
 * trained in the old one meanwhile does not count.
 */
function isBack(step: PairStep, runId: string, planned: PlannedFault, before: PairStep | undefined): boolean {
  if (step.runId !== runId) return false;
  if (!before || planned.signal === 'SIGSTOP' || planned.victim === 'store') return true;
  if (planned.victim === 'anchor' && before.stage === 0) return true;
  return step.stage > before.stage || step.attempt > before.attempt;
}

/** A whole run takes less. */
const STUCK_SECONDS = 180;

async function unlessOver<T>(work: Promise<T>, over: Promise<undefined>): Promise<T | undefined> {
  const left = new AbortController();
  const late = delay(1000 * STUCK_SECONDS, undefined, { signal: left.signal }).then(() => {
    throw new Error(`nothing has come of it for ${STUCK_SECONDS} s`);
  });
  try {
    return await Promise.race([work, over, late]);
  } finally {
    left.abort();
    late.catch(() => undefined);
  }
}
