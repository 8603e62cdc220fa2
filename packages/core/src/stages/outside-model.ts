import type { OutsideModelSpec } from '../spec/outside-spec.js';
import { refOf } from './origin.js';
import type { Frozen } from './stage.js';

/** A frozen model that comes from outside of the run. `outsideModelProblem` has reported one without a network before stages are made. */
export function outsideModel(name: string, { from, model, preprocessing }: OutsideModelSpec): Frozen {
  const ref = refOf(from);
  const images = preprocessing && { preprocessing };
  if (ref.kind === 'endpoint') return { name, from: ref, ...images };
  if (!model) throw new TypeError(`the spec names no network of ${name}`);
  return { name, model, from: ref, ...images };
}
