import type { ReferenceResult } from '@trikd/core/reference/reference';
import type { GenerationResult, LearnerOutcome } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { stagesOf } from '@trikd/core/stages/stages-of';

/** What a stage of the one-process reference came to, as the state of a run says it. */
export function reported(spec: RunSpec, result: ReferenceResult): Omit<GenerationResult, 'pair'> {
  const { generation, promoted, steps, learners, frozen } = result;
  const { promotes, decisive } = stagesOf(spec)[generation]!;
  const outcomes = Object.entries(learners).map(([name, { best, state }]): [string, LearnerOutcome] => {
    if (!best) throw new TypeError(`the ${name} was not validated in stage ${generation}`);
    return [name, { best, stateSha256: state.sha256 }];
  });
  return {
    ...{ generation, promoted, steps, learners: Object.fromEntries(outcomes) },
    ...(Object.keys(frozen).length > 0 && { frozen }),
    ...(promotes && { candidate: decisive }),
  };
}
