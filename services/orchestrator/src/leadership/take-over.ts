import type { ObjectStore } from '@trikd/core/domain/object-store';
import { advance } from '@trikd/core/run/advance';
import type { SavedRun } from '@trikd/core/run/run-store';
import { type RunLimits, rulesOf } from '../runs/rules.js';
import type { RunRecords } from '../runs/run-records.js';
import { type SalvagePorts, salvage } from '../runs/training/salvage.js';

export interface TakeOverPorts extends RunLimits, SalvagePorts {}

/**
 * Makes a run that has a trio this leader's. A queued run is placed. Of another, what its trainers have stored since the leader before
 * was heard of is committed, and a new attempt begins, which fences out all processes of the one before.
 * @param trio name of the trio
 * @throws TrikdError `out-of-step` when another orchestrator has written the run meanwhile, `wrong-state` when it cannot go on
 */
export async function takeOver(
  records: RunRecords,
  store: ObjectStore,
  run: SavedRun,
  term: number,
  trio: string,
  ports: TakeOverPorts,
): Promise<SavedRun> {
  const { spec, state } = run;
  const rules = rulesOf(spec, ports);
  if (state.phase === 'queued') {
    const placement = { ...run.placement, trio };
    return records.save(store, run, { state: advance(state, { kind: 'placed' }, rules), placement, term });
  }
  const saved = state.phase === 'training' ? await salvage(store, spec, state, ports) : undefined;
  const salvaged = saved ? advance(state, saved, rules) : state;
  return records.save(store, run, { state: advance(salvaged, { kind: 'taken-over' }, rules), term });
}
