import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../domain/canonical-json.js';
import { MethodSpec } from '../methods/registry.js';
import { stagesOf } from '../stages/stages-of.js';
import type { SpecProblem } from './fields.js';
import { augmentProblems, methodProblems, taskProblems } from './problems.js';
import { RunSettings, warmupProblem } from './run-settings.js';

export { MIN_CHECKPOINT_SECONDS, MIN_STEP_TIMEOUT_SECONDS, MOST_GENERATIONS } from './run-settings.js';

const Fields = z
  .strictObject({
    ...RunSettings.shape,
    method: MethodSpec.optional().describe('how the student is taught; default: trikd'),
  })
  .readonly();
export type RunSpec = z.infer<typeof Fields>;

/** The immutable configuration of a run: everything that decides its params, and when its stages begin. */
export const RunSpec = Fields.superRefine(
  (spec, context) => {
    const report = ({ path, message }: SpecProblem) => context.addIssue({ code: 'custom', path: [...path], message });
    const problems = [...taskProblems(spec), ...methodProblems(spec)];
    for (const problem of problems) report(problem);
    if (problems.length > 0) return;
    for (const problem of [...augmentProblems(spec), ...lengthProblems(spec)]) report(problem);
  },
  // Stages are made of valid settings alone: of a billion generations they would fill the memory.
  { when: ({ issues }) => issues.length === 0 },
);

/** What the number of training images, where the spec says it, makes impossible. */
function lengthProblems(spec: RunSpec): readonly SpecProblem[] {
  const { batchSize } = spec;
  const { train } = spec.data;
  if (train === undefined) return [];
  if (batchSize > train) {
    return [{ path: ['batchSize'], message: `a batch of ${batchSize} needs more than the ${train} training images` }];
  }
  return stagesOf(spec)
    .flatMap(({ index, epochs, warmupSteps }) => {
      const message = warmupProblem(warmupSteps, epochs * Math.floor(train / batchSize));
      const path = spec.stages?.[index]?.warmupSteps === undefined ? ['warmupSteps'] : ['stages', index, 'warmupSteps'];
      return message === undefined ? [] : [{ path, message }];
    })
    .slice(0, 1);
}

/**
 * SHA-256, hex, of the spec with sorted keys. Processes with equal digests train the same run. `curriculum.advance` is
 * excluded: it affects when a stage starts, not its numbers. So is `engine.kernels: tensorflow`, which a spec without kernels means.
 */
export function specDigest(spec: RunSpec): string {
  const { advance: _, ...curriculum } = spec.curriculum;
  const { kernels, ...others } = spec.engine;
  const engine = kernels === 'tensorflow' ? others : spec.engine;
  return createHash('sha256')
    .update(canonicalJson({ ...spec, curriculum, engine }))
    .digest('hex');
}
