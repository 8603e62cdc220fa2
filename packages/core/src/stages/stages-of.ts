import { TrikdError } from '../domain/errors.js';
import type { MethodSpec } from '../methods/registry.js';
import { chosenMethod } from '../methods/registry.js';
import type { RunSettings } from '../spec/run-settings.js';
import { asRun, type Stage } from './stage.js';
import { stagesWritten } from './stages-written.js';

/** What decides the stages of a run. */
export interface StagedRun extends RunSettings {
  readonly method?: MethodSpec | undefined;
}

const known = new WeakMap<StagedRun, readonly Stage[]>();

/** All stages of a run, in order; of a method that may end early, as many as there can be. */
export function stagesOf(spec: StagedRun): readonly Stage[] {
  const stages = known.get(spec) ?? (spec.stages ? stagesWritten(spec, spec.stages) : stagesOfMethod(spec));
  known.set(spec, stages);
  return stages;
}

function stagesOfMethod(spec: StagedRun): readonly Stage[] {
  const { method, knobs } = chosenMethod(spec.method);
  return method.stages(spec, knobs);
}

/**
 * One stage of a run.
 * @param promoted whether a student was promoted before it
 * @throws TrikdError 'invalid' beyond the last
 */
export function stageAt(spec: StagedRun, index: number, promoted: boolean): Stage {
  const stages = stagesOf(spec);
  const stage = stages[index];
  if (stage) return asRun(stage, promoted);
  throw new TrikdError('invalid', `run ${spec.name} has ${stages.length} stages, stage ${index} was requested`);
}
