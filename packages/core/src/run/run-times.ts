import { z } from 'zod';
import { hasEnded, holdsTrio, type RunState, Time } from './state.js';

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
    started: Time.exactOptional().describe('when the run first got a trio'),
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
  // A run of an earlier version that has trained already does not start anew.
  const begins = holdsTrio(after) && before.phase === 'queued' && before.generation === 0 && before.pairs.length === 0;
  const started = times.started ?? (begins ? at : undefined);
  const changed = { ...times.changed };
  for (const name of names.options) {
    const phase = PHASE_CONDITIONS[name];
    if ((before.phase === phase) !== (after.phase === phase)) changed[name] = at;
  }
  return { ...rest, ...over, ...(started !== undefined && { started }), updated: at, changed };
}
