import type { GenerationResult } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { inOrderOf, stageOf } from './participants.js';
import type { ShownResult } from './results-table.js';

/** The results in the state of a run, as a table shows them. */
export function shownResults(spec: RunSpec, results: readonly GenerationResult[]): readonly ShownResult[] {
  return results.map(({ generation, learners, frozen = {}, candidate, promoted }) => {
    const { name, decisive } = stageOf(spec, generation);
    const best = inOrderOf(spec, Object.keys(learners)).map((each) => [each, learners[each]!.best] as const);
    return {
      ...{ generation, stage: name, learners: Object.fromEntries(best), frozen },
      ...{ decisive, promotes: candidate !== undefined, promoted },
    };
  });
}
