import { z } from 'zod';
import { hasEnded, type RunState, Time } from './state.js';

/** Conditions that depend on the phase alone, each with the phase in which it holds. */
export const PHASE_CONDITIONS = {
  Queued: 'queued',
  Training: 'training',
  Waiting: 'waiting',
  Paused: 'paused',
  Completed: 'completed',
  Failed: 'failed',
  Cancelled: 'cancelled',
} as const satisfies Readonly<Record<string, RunState['phase']>>;
export type PhaseCondition = keyof typeof PHASE_CONDITIONS;

const names = z.enum(['Queued', 'Training', 'Waiting', 'Paused', 'Completed', 'Failed', 'Cancelled']);

/** Times in the life of a run. An absent time was not recorded. */
export const RunTimes = z
  .strictObject({
    created: Time.exactOptional(),
    updated: Time.exactOptional().describe('last write of the state'),
    ended: Time.exactOptional().describe('absent until the run has ended'),
    changed: z.partialRecord(names, Time).readonly().describe('last time that a condition began or ceased to hold'),
  })
  .readonly();
export type RunTimes = z.infer<typeof RunTimes>;

/** Times of a new run. */
export function timesOfNew(at: string | undefined): RunTimes {
  return { changed: {}, ...(at !== undefined && { created: at, updated: at }) };
}

/** Times of a run after its state is replaced. */
export function timesAfter(times: RunTimes, before: RunState, after: RunState, at: string | undefined): RunTimes {
  const { ended = at, ...rest } = times;
  const over = hasEnded(after) && ended !== undefined ? { ended } : {};
  if (at === undefined) return { ...rest, ...over };
  const changed = { ...times.changed };
  for (const name of names.options) {
    const phase = PHASE_CONDITIONS[name];
    if ((before.phase === phase) !== (after.phase === phase)) changed[name] = at;
  }
  return { ...rest, ...over, updated: at, changed };
}
