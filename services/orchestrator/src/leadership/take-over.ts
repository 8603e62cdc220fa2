import type { ObjectStore } from '@trikd/core/domain/object-store';
import { advance } from '@trikd/core/run/advance';
import type { SavedRun } from '@trikd/core/run/run-store';
import { type RunLimits, rulesOf } from '../runs/rules.js';
import type { RunRecords } from '../runs/run-records.js';
import { type SalvagePorts, salvage } from '../runs/training/salvage.js';

/** Name of the trio of an orchestrator that has one. */
const ONLY_TRIO = 'trio-1';

export interface TakeOverPorts extends RunLimits, SalvagePorts {}

/**
 * Makes a run this leader's: commits what its trainers have stored since the leader before was heard of, and begins a new attempt,
 * which fences out all processes of the one before.
 * @throws TrikdError `out-of-step` when another orchestrator has written the run meanwhile, `wrong-state` when it cannot go on
 */
export async function takeOver(
  records: RunRecords,
  store: ObjectStore,
  run: SavedRun,
  term: number,
  ports: TakeOverPorts,
): Promise<SavedRun> {
  const { spec, state } = run;
  const rules = rulesOf(spec, ports);
  if (state.phase === 'queued') {
    const placement = { ...run.placement, number: run.placement.number + 1, trio: ONLY_TRIO };
    return records.save(store, run, { state: advance(state, { kind: 'placed' }, rules), placement, term });
  }
  const saved = state.phase === 'training' ? await salvage(store, spec, state, ports) : undefined;
  const salvaged = saved ? advance(state, saved, rules) : state;
  return records.save(store, run, { state: advance(salvaged, { kind: 'taken-over' }, rules), term });
}
