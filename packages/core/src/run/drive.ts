import { TrikdError } from '../domain/errors.js';
import type { ObjectStore } from '../domain/object-store.js';
import { advance, type Duty, duty, type RunEvent, type RunRules } from './advance.js';
import { collectDropped } from './collector.js';
import { type SavedRun, saveRun } from './run-store.js';
import type { RunState } from './state.js';

/** What driving a run needs from outside. */
export interface DrivePorts {
  readonly store: ObjectStore;
  readonly rules: RunRules;
  /**
   * Does what a phase demands and says what happened, in order; the state is saved after each event, before the next is
   * asked for. Doing a duty twice is harmless. What it throws ends the attempt; of damage to the pair that it resumed from, the
   * details name the step as `pair`. Ends without changing the phase only when `drained` aborts.
   */
  perform(duty: Duty): AsyncIterable<RunEvent>;
  /** Told after each save. */
  changed(run: SavedRun): void;
  /** The time of day, as ISO 8601 in UTC; nothing is decided by it. */
  now?(): string;
  /** Aborts when the run is to be left where it is, for somebody else to continue. */
  readonly drained: AbortSignal;
}

/**
 * Performs duties until none is left or the run is drained. Killing it at any point loses nothing: who starts it again,
 * with `taken-over` as the first event, continues from what was saved.
 * @throws TrikdError `out-of-step` when another orchestrator drives the run now
 */
export async function drive(run: SavedRun, ports: DrivePorts): Promise<SavedRun> {
  let saved = run;
  const save = async (state: RunState) => {
    const before = saved.state;
    if (state === before) return;
    const at = ports.now?.();
    saved = await saveRun(ports.store, saved, { state, ...(at !== undefined && { at }) });
    ports.changed(saved);
    await collectDropped(ports.store, saved.spec.name, before, state);
  };
  for (let todo = duty(saved.state); todo && !ports.drained.aborted; todo = duty(saved.state)) {
    const events = ports.perform(todo)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await settled(async () => {
          const { done, value } = await events.next();
          return done === true ? undefined : advance(saved.state, dated(value, ports.now?.()), ports.rules);
        });
        if ('failed' in next) {
          await save(advance(saved.state, lost(next.failed), ports.rules));
          break;
        }
        if (next.value === undefined) break;
        await save(next.value);
      }
    } finally {
      await events.return?.();
    }
  }
  return saved;
}

/** Promotions remember when they happened. */
function dated(event: RunEvent, at: string | undefined): RunEvent {
  return event.kind === 'candidate-verified' && at !== undefined ? { ...event, at } : event;
}

/** Tells a failure of a duty, which is the run's, from one of saving, which is this orchestrator's. */
async function settled<T>(work: () => Promise<T>): Promise<{ readonly value: T } | { readonly failed: unknown }> {
  try {
    return { value: await work() };
  } catch (failed) {
    return { failed };
  }
}

function lost(failure: unknown): RunEvent {
  if (failure instanceof TrikdError) {
    const { kind: error, message, details } = failure;
    const pair = typeof details['pair'] === 'number' ? { pair: details['pair'] } : {};
    return { kind: 'attempt-lost', error, message, ...pair };
  }
  return {
    kind: 'attempt-lost',
    error: 'internal',
    message: failure instanceof Error ? failure.message : `${failure}`,
  };
}
