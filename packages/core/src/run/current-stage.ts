import type { RunSpec } from '../spec/run-spec.js';
import type { Stage } from '../stages/stage.js';
import { stageAt } from '../stages/stages-of.js';
import type { Anchor, RunState } from './state.js';

/** What decides which stage a run is in, and with which frozen models. */
export type Place = Pick<RunState, 'generation' | 'results'> & { readonly anchor?: Anchor };

/** The stage that a run is in, or that it ended in. */
export function currentStage(spec: RunSpec, { generation, results, anchor }: Place): Stage {
  if (anchor) return stageAt(spec, generation, true);
  // A completed run keeps no anchor: whether its last stage had one is known from the scores.
  const scored = results[generation]?.frozen ?? {};
  const { frozen } = stageAt(spec, generation, true);
  return stageAt(
    spec,
    generation,
    frozen.some(({ name, from }) => from === 'promoted' && name in scored),
  );
}
