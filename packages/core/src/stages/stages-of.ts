import { TrikdError } from '../domain/errors.js';
import { peerOf, type TrainedRole } from '../domain/position.js';
import { chosenMethod, type MethodSpec } from '../methods/registry.js';
import type { RunSettings } from '../spec/run-settings.js';
import type { StageSpec } from '../spec/stage-spec.js';
import { refOf } from './origin.js';
import { outsideModel } from './outside-model.js';
import { asRun, type Learner, learnerIn, replicasOf, type Stage } from './stage.js';

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

/** The stages that a spec writes out. What does not fit together is left for `stageProblems` to report. */
function stagesWritten(spec: RunSettings, written: readonly StageSpec[]): readonly Stage[] {
  return written.map((stage, index) => stageWritten(spec, written, stage, index));
}

function stageWritten(spec: RunSettings, all: readonly StageSpec[], stage: StageSpec, index: number): Stage {
  const { evaluation, checkpoint } = spec;
  const { name, frozen = {}, learners, ...own } = stage;
  const names = Object.keys(learners);
  return {
    name,
    index,
    learners: Object.keys(learners).map((each) => learnerWritten(learners, each)),
    frozen: Object.entries(frozen).flatMap(([each, written]) => {
      if ('from' in written) return [outsideModel(each, written)];
      const referred = all.find((other) => other.name === written.stage)?.learners[written.participant];
      // A model that does not exist is refused by its ref: until then any other one stands in for it.
      const { model } = referred ?? Object.values(learners)[0] ?? {};
      return model ? [{ name: each, model, from: refOf(written) }] : [];
    }),
    decisive: own.decisive ?? (names.includes('student') ? 'student' : names[0]!),
    promotes: false,
    epochs: own.epochs ?? spec.epochs,
    schedule: own.schedule ?? spec.schedule,
    warmupSteps: own.warmupSteps ?? spec.warmupSteps,
    convergence: own.convergence ?? spec.convergence,
    evaluation,
    checkpoint,
  };
}

type Learners = StageSpec['learners'];

function learnerWritten(learners: Learners, name: string): Learner {
  const { init, objective, slot: _, ...rest } = learners[name]!;
  const peer = Object.keys(learners).find((other) => other !== name);
  const terms = objective ?? [{ kind: 'task' as const, weight: 1 }];
  return {
    name,
    slot: slotOf(learners, name),
    init: init ? refOf(init) : 'fresh',
    objective: terms.map((term) =>
      term.kind === 'distillation' && term.from === 'peer' && peer !== undefined ? { ...term, from: peer } : term,
    ),
    ...rest,
  };
}

/** The slot that it is given, or that of its name; otherwise the one that its neighbour leaves free. */
function slotOf(learners: Learners, name: string): TrainedRole {
  const own = claimed(learners, name);
  if (own) return own;
  const names = Object.keys(learners);
  const other = names.find((each) => each !== name);
  const taken = other === undefined ? undefined : claimed(learners, other);
  if (taken) return peerOf(taken);
  return names[0] === name ? 'student' : 'teacher';
}

function claimed(learners: Learners, name: string): TrainedRole | undefined {
  return learners[name]?.slot ?? (name === 'student' || name === 'teacher' ? name : undefined);
}

/** The most replicas of a learner in each slot, the one in its trainer included; 1 in a slot that no stage uses. */
export function mostReplicas(spec: StagedRun): Readonly<Record<TrainedRole, number>> {
  const of = (slot: TrainedRole) =>
    Math.max(
      1,
      ...stagesOf(spec)
        .flatMap((stage) => learnerIn(stage, slot) ?? [])
        .map(replicasOf),
    );
  return { student: of('student'), teacher: of('teacher') };
}
