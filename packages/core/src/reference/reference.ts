import type { Clock } from '../async/clock.js';
import type { Dataset } from '../data/split.js';
import { TrikdError } from '../domain/errors.js';
import type { StageAttempt, TrainedRole } from '../domain/position.js';
import type { Blob, RoleCheckpoint, Score } from '../domain/role-checkpoint.js';
import type { LogitsFrame } from '../exchange/frame.js';
import { createFrameWindow, type FrameWindow } from '../exchange/frame-window.js';
import type { Params } from '../models/params.js';
import type { ModelSpec } from '../models/registry.js';
import { afterValidations, converged, NOT_VALIDATED, nextLimit } from '../run/convergence.js';
import { promotes, runOver } from '../run/promotion.js';
import type { RunSpec } from '../spec/run-spec.js';
import { inputsOf } from '../stages/inputs.js';
import { type FileRef, originText, type Ref, type RunRef } from '../stages/origin.js';
import { consumersOf, isRemote, type Learner, type RemoteFrozen, type Stage, sourcesOf } from '../stages/stage.js';
import { stageAt } from '../stages/stages-of.js';
import { metricIn } from '../tasks/metric.js';
import { taskOf } from '../tasks/task-of.js';
import { type AnsweringModel, normalisedFor, openFrozen } from '../training/frozen.js';
import type { TrainerEvent, TrainerPorts } from '../training/ports.js';
import type { ModelSessions } from '../training/sessions.js';
import { stagePlan } from '../training/stage-plan.js';
import { createStepLimit } from '../training/step-limit.js';
import { trainStage } from '../training/trainer.js';

/**
 * A whole run in one process, with the same loop, windows and rules as the services. A distributed run must equal it bit for bit.
 */
export interface ReferenceRun {
  readonly spec: RunSpec;
  readonly dataset: Dataset;
  save(params: Params): Promise<Blob>;
  load(blob: Blob): Promise<Params>;
  /** Reads params from outside of the run. Default: there are none. */
  outside?(ref: RunRef | FileRef, model: ModelSpec): Promise<Params>;
  /** Opens a model of another server, or what one has answered. Default: there are none. */
  remote?(frozen: RemoteFrozen, attempt: StageAttempt, totalSteps: number): Promise<AnsweringModel>;
  readonly clock: Clock;
  emit?(role: TrainedRole, event: TrainerEvent): void;
  /** Default: the engine. */
  readonly sessions?: ModelSessions;
}

/** What a stage produces. */
export interface ReferenceOutcome {
  readonly steps: number;
  /** By name. */
  readonly learners: Readonly<Record<string, RoleCheckpoint>>;
  /** Of the frozen models that this process computes, by name. */
  readonly frozen: Readonly<Record<string, { readonly validation: Score; readonly test: Score }>>;
}

export interface ReferenceResult extends ReferenceOutcome {
  /** Index of the stage. */
  readonly stage: number;
  readonly promoted: boolean;
}

/** Runs all stages and yields each when it ends. */
export async function* runReference(run: ReferenceRun): AsyncGenerator<ReferenceResult> {
  const { spec, dataset } = run;
  const { primary, degenerate } = taskOf(spec);
  const { promotion } = spec.curriculum;
  const results: ReferenceOutcome[] = [];
  let anchor: Blob | undefined;
  while (!runOver(results, spec)) {
    const stageIndex = results.length;
    const stage = stageAt(spec, stageIndex, anchor !== undefined);
    const outcome = await runReferenceStage(run, stage, blobsFor(spec, stage, results, anchor));
    results.push(outcome);
    const candidate = stage.promotes ? outcome.learners[stage.decisive]?.best : undefined;
    const present = stage.frozen.find(({ from }) => from === 'promoted');
    const promoted =
      candidate !== undefined &&
      degenerate(candidate.validation, dataset) === undefined &&
      !runOver(results, spec) &&
      promotes({ promotion, primary }, candidate.validation, present && outcome.frozen[present.name]?.validation);
    if (promoted) anchor = candidate.params;
    yield { ...outcome, stage: stageIndex, promoted };
  }
}

/** Params by participant. */
export type StageBlobs = Readonly<Record<string, Blob>>;

/**
 * The params of its own that a run has for a stage to start from.
 * @param results of the stages before it
 * @param anchor params of the promoted student
 */
export function blobsFor(
  spec: RunSpec,
  stage: Stage,
  results: readonly ReferenceOutcome[],
  anchor: Blob | undefined,
): StageBlobs {
  const blobs = inputsOf(spec, stage).flatMap(({ name, from }) => {
    if (from !== 'promoted' && from.kind !== 'stage') return [];
    const checkpoint = from === 'promoted' ? undefined : results[from.index]?.learners[from.participant];
    const own = from !== 'promoted' && from.at === 'last' ? checkpoint?.state : checkpoint?.best?.params;
    const blob = from === 'promoted' ? anchor : own;
    if (!blob) throw new TrikdError('invalid', `stage ${stage.name} has no params for ${name}`);
    return [[name, blob] as const];
  });
  return Object.fromEntries(blobs);
}

/**
 * Runs one stage.
 * @param stage as it is run
 * @param blobs its params from earlier stages
 * @param until step before which training ends, checkpoints included; the whole stage by default
 */
export async function runReferenceStage(
  run: ReferenceRun,
  stage: Stage,
  blobs: StageBlobs,
  until = Number.POSITIVE_INFINITY,
): Promise<ReferenceOutcome> {
  const attempt: StageAttempt = { runId: run.spec.name, stage: stage.index, attempt: 1 };
  const abort = new AbortController();
  const windows = openWindows(run.spec, stage, attempt);
  const watch = stageWatch(run, stage, until);
  const models = new Map<string, AnsweringModel>();
  const scores: [string, ReferenceOutcome['frozen'][string]][] = [];
  try {
    for (const frozen of stage.frozen) {
      const { name } = frozen;
      if (isRemote(frozen)) {
        if (!run.remote) throw new TrikdError('invalid', `nothing asks ${originText(frozen.from)}`);
        models.set(name, await run.remote(frozen, attempt, watch.totalSteps));
        continue;
      }
      const params = await paramsFor(run, frozen, frozen.from, blobs);
      const data = normalisedFor(run.dataset, frozen);
      const model = await openFrozen(run.spec, data, frozen.model, params, attempt, run.sessions);
      models.set(name, model);
      scores.push([name, { validation: await model.evaluate('validation'), test: await model.evaluate('test') }]);
    }
    const steps = Math.min(watch.totalSteps, until);
    const answering = [...models]
      .filter(([name]) => consumersOf(stage, name).length > 0)
      .map(([name, model]) => produce(model.logits, windows.get(name)!, steps));
    const training = stage.learners.map(async (learner) => {
      const init = learner.init === 'fresh' ? undefined : await paramsFor(run, learner, learner.init, blobs);
      return trainLearner(run, stage, learner, attempt, { windows, init }, watch.ports(learner), abort.signal);
    });
    await Promise.race([Promise.all([...training, ...answering]), watch.ended]);
    return { ...watch.outcome(), frozen: Object.fromEntries(scores) };
  } finally {
    // Ends whatever still waits for a frame, or at a limit that will not move.
    const over = new TrikdError('wrong-state', 'the stage has ended');
    abort.abort(over);
    watch.abandon(over);
    for (const window of windows.values()) window.close(over);
    for (const model of models.values()) await model.close();
  }
}

function paramsFor(
  run: ReferenceRun,
  { name, model }: Pick<Learner, 'name' | 'model'>,
  from: 'promoted' | Ref,
  blobs: StageBlobs,
): Promise<Params> {
  if (from === 'promoted' || from.kind === 'stage') return run.load(blobs[name]!);
  if (!run.outside) throw new TrikdError('invalid', `nothing reads params from ${originText(from)}`);
  return run.outside(from, model);
}

type Windows = ReadonlyMap<string, FrameWindow>;

function openWindows(spec: RunSpec, stage: Stage, attempt: StageAttempt): Windows {
  const open = (producer: string) => {
    const consumers = consumersOf(stage, producer);
    return createFrameWindow({ attempt, firstStep: 0, size: spec.exchange.window, consumers });
  };
  return new Map([...stage.learners, ...stage.frozen].map(({ name }) => [name, open(name)]));
}

async function produce(
  logits: (step: number) => Promise<LogitsFrame>,
  window: FrameWindow,
  steps: number,
): Promise<void> {
  for (let step = 0; step < steps; step++) await window.publish(await logits(step));
}

function trainLearner(
  run: ReferenceRun,
  stage: Stage,
  learner: Learner,
  attempt: StageAttempt,
  { windows, init }: { readonly windows: Windows; readonly init: Params | undefined },
  steering: Pick<TrainerPorts, 'limit' | 'emit'>,
  signal: AbortSignal,
): Promise<void> {
  const { spec, dataset, clock } = run;
  const { slot: role } = learner;
  const sources = sourcesOf(stage, learner).map((name) => [name, windows.get(name)!.frames(role, 0)] as const);
  const ports: TrainerPorts = {
    ...steering,
    frames: Object.fromEntries(sources),
    publish: (frame) => windows.get(learner.name)!.publish(frame),
    save: (params) => run.save(params),
    load: (blob) => run.load(blob),
    savesAt: () => false,
    clock,
    signal,
  };
  const start = { role, spec, stage, attempt, startStep: 0, ...(init && { init }) };
  return trainStage(start, dataset, ports, run.sessions);
}

/**
 * Plays the orchestrator within a stage: collects the events of its learners, moves the limit, and detects the end.
 */
function stageWatch(run: ReferenceRun, stage: Stage, until: number) {
  const { spec, dataset } = run;
  const plan = stagePlan(stage, spec.batchSize, dataset.train.count);
  const { primary } = taskOf(spec);
  const { minDelta } = stage.convergence;
  const limitAfter = (step: number) => Math.min(until, nextLimit(step, plan, stage));
  const limits = stage.learners.map(() => createStepLimit(limitAfter(0)));
  const checkpoints = new Map<string, RoleCheckpoint>();
  const resting = new Set<string>();
  let convergence = NOT_VALIDATED;
  const end = Promise.withResolvers<void>();

  function rest(name: string, nextStep: number): void {
    resting.add(name);
    if (resting.size < stage.learners.length) return;
    resting.clear();
    const over = nextStep >= Math.min(until, plan.totalSteps) || converged(convergence, stage.convergence);
    if (over) end.resolve();
    else for (const limit of limits) limit.move(limitAfter(nextStep));
  }

  function emit({ name, slot }: Learner, event: TrainerEvent): void {
    run.emit?.(slot, event);
    if (event.kind === 'checkpoint') checkpoints.set(name, event.checkpoint);
    if (event.kind === 'evaluation' && name === stage.decisive) {
      const value = metricIn(event.validation, primary);
      convergence = afterValidations(convergence, [value], { better: primary.better, minDelta });
    }
    if (event.kind === 'resting') rest(name, event.nextStep);
  }

  return {
    ended: end.promise,
    totalSteps: plan.totalSteps,
    ports: (learner: Learner) => ({
      limit: limits[stage.learners.indexOf(learner)]!,
      emit: (event: TrainerEvent) => emit(learner, event),
    }),
    abandon: (reason: TrikdError) => {
      for (const limit of limits) limit.abandon(reason);
    },
    outcome(): Pick<ReferenceOutcome, 'steps' | 'learners'> {
      const steps = checkpoints.get(stage.decisive)?.step;
      if (steps === undefined || checkpoints.size < stage.learners.length) {
        throw new TrikdError('wrong-state', `stage ${stage.name} ended before its checkpoints`);
      }
      return { steps, learners: Object.fromEntries(checkpoints) };
    },
  };
}
