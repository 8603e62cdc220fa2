import { messageOf, TrikdError } from '../domain/errors.js';
import type { ObjectStore } from '../domain/object-store.js';
import { advance, type Duty, duty, type RunRules, type RunTransition } from './advance.js';
import type { RunState } from './state.js';
import { collectDropped } from './stored/collector.js';
import { type SavedRun, saveRun } from './stored/run-store.js';

/** The dependencies of driving a run. */
export interface DrivePorts {
  readonly store: ObjectStore;
  readonly rules: RunRules;
  /**
   * Performs a duty and yields its events in order. The state is saved after each event, before the next is requested. A duty may be
   * performed twice. An error ends the attempt; when the pair that it resumed from is damaged, the error's details name the step as
   * `pair`. It ends without changing the phase only when `drained` aborts.
   */
  perform(duty: Duty): AsyncIterable<RunTransition>;
  /** Called after each save. */
  changed(run: SavedRun): void;
  /** The time of day, as ISO 8601 in UTC. No decision depends on it. */
  now?(): string;
  /** Aborts when the run is to be left as it is, for another process to continue. */
  readonly drained: AbortSignal;
}

/**
 * Performs duties until none is left or the run is drained. A process that is killed at any point loses nothing: the next one applies
 * `taken-over` and continues from the saved state.
 * @throws TrikdError `out-of-step` when another orchestrator drives the run
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

/** Adds the time to a promotion. */
function dated(event: RunTransition, at: string | undefined): RunTransition {
  return event.kind === 'candidate-verified' && at !== undefined ? { ...event, at } : event;
}

/** Separates a failure of a duty, which belongs to the run, from a failure to save, which belongs to this orchestrator. */
async function settled<T>(work: () => Promise<T>): Promise<{ readonly value: T } | { readonly failed: unknown }> {
  try {
    return { value: await work() };
  } catch (failed) {
    return { failed };
  }
}

function lost(failure: unknown): RunTransition {
  if (failure instanceof TrikdError) {
    const { kind: error, message, details } = failure;
    const pair = typeof details['pair'] === 'number' ? { pair: details['pair'] } : {};
    return { kind: 'attempt-lost', error, message, ...pair };
  }
  return {
    kind: 'attempt-lost',
    error: 'internal',
    message: messageOf(failure),
  };
}
