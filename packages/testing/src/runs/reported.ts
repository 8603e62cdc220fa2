import type { ReferenceResult } from '@trikd/core/reference/reference';
import type { LearnerOutcome, StageResult } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { stagesOf } from '@trikd/core/stages/stages-of';

/** What a stage of the one-process reference came to, as the state of a run says it. */
export function reported(spec: RunSpec, result: ReferenceResult): Omit<StageResult, 'pair'> {
  const { stage, promoted, steps, learners, frozen } = result;
  const { promotes, decisive } = stagesOf(spec)[stage]!;
  const outcomes = Object.entries(learners).map(([name, { best, state }]): [string, LearnerOutcome] => {
    if (!best) throw new TypeError(`the ${name} was not validated in stage ${stage}`);
    return [name, { best, stateSha256: state.sha256 }];
  });
  return {
    ...{ stage, promoted, steps, learners: Object.fromEntries(outcomes) },
    ...(Object.keys(frozen).length > 0 && { frozen }),
    ...(promotes && { candidate: decisive }),
  };
}
