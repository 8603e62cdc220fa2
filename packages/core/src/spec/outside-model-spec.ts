import { z } from 'zod';
import { ModelSpec } from '../models/registry.js';
import { OutsideSpec, PreprocessingSpec } from './outside-spec.js';
import type { SpecProblem } from './problem.js';

const preprocessing = PreprocessingSpec.optional().describe(
  'how the images of this model are normalised; default: as those of the run',
);

/** What makes a teacher a frozen model that comes from outside of the run. */
export const frozenTeacher = {
  from: OutsideSpec.optional().meta({
    title: 'a section',
    description:
      'params from outside of the run: the teacher is frozen then, and has no stage of its own; default: it trains',
  }),
  preprocessing,
};

/** A frozen model that no stage of the run has trained. */
export const OutsideModelSpec = z
  .strictObject({
    from: OutsideSpec.describe('where its params come from'),
    model: ModelSpec.optional().describe('the network whose params they are; none for an endpoint'),
    preprocessing,
  })
  .superRefine((spec, context) => {
    const problem = outsideModelProblem(spec);
    if (problem) context.addIssue({ code: 'custom', path: [...problem.path], message: problem.message });
  });
export type OutsideModelSpec = z.infer<typeof OutsideModelSpec>;

/** Why a model does not fit to where its params come from; undefined where it does. */
export function outsideModelProblem({
  from,
  model,
  preprocessing,
}: Pick<OutsideModelSpec, 'model' | 'preprocessing'> & { readonly from?: OutsideSpec | undefined }):
  | SpecProblem
  | undefined {
  const isRemote = from !== undefined && 'endpoint' in from;
  if (isRemote && model) return { path: ['model'], message: 'the server at an endpoint has the network: leave it out' };
  if (!isRemote && !model)
    return { path: ['model'], message: 'missing: expected the network, a section with its kind' };
  const { mean = [], std = [] } = preprocessing ?? {};
  if (mean.length === std.length) return undefined;
  return { path: ['preprocessing', 'std'], message: `expected ${mean.length} numbers, as in mean` };
}
