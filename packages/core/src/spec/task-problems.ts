import { type TaskChoice, taskOf } from '../tasks/task-of.js';
import { type DataSpec, isByIdentity } from './data-spec.js';
import type { SpecProblem } from './problem.js';

/** Why the data of a run are none of its task. */
export function taskProblems(spec: TaskChoice & { readonly data: DataSpec }): readonly SpecProblem[] {
  const { data } = spec;
  const { kind, labels } = taskOf(spec);
  if (isByIdentity(data) === (labels === 'identities')) return [];
  if (labels === 'classes') {
    const message = `${kind} knows the classes of training alone, and these data have other identities in validation and test: set task to verification`;
    return [{ path: ['task'], message }];
  }
  const message = `${kind} needs other identities in validation and test than in training`;
  if (['idx', 'images', 'shards', 'module'].includes(data.kind))
    return [{ path: ['data', 'split'], message: `${message}: set it to identities` }];
  return [{ path: ['data', 'kind'], message: `${message}: take synthetic-identities` }];
}
