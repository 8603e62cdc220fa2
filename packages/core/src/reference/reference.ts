import type { Clock } from '../async/clock.js';
import type { Dataset } from '../data/split.js';
import type { Blob } from '../domain/blob.js';
import { TrikdError } from '../domain/errors.js';
import { type GenerationAttempt } from '../domain/position.js';
import { peerOf, type Role, type TrainedRole } from '../domain/role.js';
import type { RoleCheckpoint } from '../domain/role-checkpoint.js';
import type { Score } from '../domain/score.js';
import { consumersOf } from '../exchange/consumers.js';
import type { LogitsFrame } from '../exchange/frame.js';
import { createFrameWindow, type FrameWindow } from '../exchange/frame-window.js';
import type { Params } from '../models/params.js';
import { afterValidations, converged, NOT_VALIDATED, nextLimit } from '../run/convergence.js';
import { curriculumOver, promotes } from '../run/promotion.js';
import type { RunSpec } from '../spec/run-spec.js';
import { metricIn } from '../tasks/metric.js';
import { taskOf } from '../tasks/task-of.js';
import { openAnchor } from '../training/anchor.js';
import { generationPlan } from '../training/generation-plan.js';
import type { TrainerPorts } from '../training/ports.js';
import type { ModelSessions } from '../training/sessions.js';
import { createStepLimit } from '../training/step-limit.js';
import { trainGeneration } from '../training/trainer.js';
import type { TrainerEvent } from '../training/trainer-event.js';

/**
 * The whole trio in one process, with the same loop, windows and rules as the services. A distributed run must equal it
 * bit for bit.
 */
export interface ReferenceRun {
  readonly spec: RunSpec;
  readonly dataset: Dataset;
  save(params: Params): Promise<Blob>;
  load(blob: Blob): Promise<Params>;
  readonly clock: Clock;
  emit?(role: TrainedRole, event: TrainerEvent): void;
  /** Default: the engine. */
  readonly sessions?: ModelSessions;
}

/** What a generation produces. */
export interface ReferenceOutcome {
  readonly steps: number;
  readonly teacher: RoleCheckpoint;
  readonly student: RoleCheckpoint;
  readonly anchor?: { readonly validation: Score; readonly test: Score };
}

export interface ReferenceResult extends ReferenceOutcome {
  readonly generation: number;
  readonly promoted: boolean;
}

/** Runs the curriculum and yields each generation when it ends. */
export async function* runReference(run: ReferenceRun): AsyncGenerator<ReferenceResult> {
  const { spec, dataset } = run;
  const { curriculum } = spec;
  const { primary, degenerate } = taskOf(spec);
  const results: { readonly student: NonNullable<RoleCheckpoint['best']> }[] = [];
  let anchor: Blob | undefined;
  for (let generation = 0; !curriculumOver(results, curriculum, primary); generation++) {
    const outcome = await runReferenceGeneration(run, generation, anchor);
    const student = outcome.student.best!;
    results.push({ student });
    const promoted =
      degenerate(student.validation, dataset) === undefined &&
      !curriculumOver(results, curriculum, primary) &&
      promotes({ promotion: curriculum.promotion, primary }, student.validation, outcome.anchor?.validation);
    if (promoted) anchor = student.params;
    yield { ...outcome, generation, promoted };
  }
}

/**
 * Runs one generation.
 * @param anchor params of the promoted student; absent in generation 0
 * @param until step before which training ends, checkpoint included; the whole generation by default
 */
export async function runReferenceGeneration(
  run: ReferenceRun,
  generation: number,
  anchor: Blob | undefined,
  until = Number.POSITIVE_INFINITY,
): Promise<ReferenceOutcome> {
  const attempt: GenerationAttempt = { runId: run.spec.name, generation, attempt: 1 };
  const abort = new AbortController();
  const windows = openWindows(run.spec, attempt);
  const pair = pairWatch(run, until);
  const model = anchor && (await openAnchor(run.spec, run.dataset, await run.load(anchor), attempt, run.sessions));
  try {
    const scores = model && { validation: await model.evaluate('validation'), test: await model.evaluate('test') };
    const train = (role: TrainedRole) => trainRole(run, role, attempt, windows, pair.ports(role), abort.signal);
    const producing = model && produce(model.logits, windows.anchor, Math.min(pair.totalSteps, until));
    await Promise.race([Promise.all([train('teacher'), train('student'), producing]), pair.ended]);
    return { ...pair.outcome(), ...(scores && { anchor: scores }) };
  } finally {
    // Ends whatever still waits for a frame, or at a limit that will not move.
    const over = new TrikdError('wrong-state', 'the generation has ended');
    abort.abort(over);
    pair.abandon(over);
    for (const window of Object.values(windows)) window.close(over);
    await model?.close();
  }
}

function openWindows(spec: RunSpec, attempt: GenerationAttempt): Record<Role, FrameWindow> {
  const open = (producer: Role) => {
    const consumers = consumersOf(spec, producer, attempt.generation);
    return createFrameWindow({ attempt, firstStep: 0, size: spec.exchange.window, consumers });
  };
  return { anchor: open('anchor'), teacher: open('teacher'), student: open('student') };
}

async function produce(
  logits: (step: number) => Promise<LogitsFrame>,
  window: FrameWindow,
  steps: number,
): Promise<void> {
  for (let step = 0; step < steps; step++) await window.publish(await logits(step));
}

function trainRole(
  run: ReferenceRun,
  role: TrainedRole,
  attempt: GenerationAttempt,
  windows: Record<Role, FrameWindow>,
  steering: Pick<TrainerPorts, 'limit' | 'emit'>,
  signal: AbortSignal,
): Promise<void> {
  const ports: TrainerPorts = {
    ...steering,
    frames: { anchor: windows.anchor.frames(role, 0), peer: windows[peerOf(role)].frames(role, 0) },
    publish: (frame) => windows[role].publish(frame),
    save: (params) => run.save(params),
    load: (blob) => run.load(blob),
    savesAt: () => false,
    clock: run.clock,
    signal,
  };
  return trainGeneration({ role, spec: run.spec, attempt, startStep: 0 }, run.dataset, ports, run.sessions);
}

/**
 * Plays the orchestrator within a generation: collects the events of both roles, moves the limit, and detects the end.
 */
function pairWatch(run: ReferenceRun, until: number) {
  const { spec, dataset } = run;
  const plan = generationPlan(spec, dataset.train.count);
  const { primary } = taskOf(spec);
  const limitAfter = (step: number) => Math.min(until, nextLimit(step, plan, spec));
  const limits = { teacher: createStepLimit(limitAfter(0)), student: createStepLimit(limitAfter(0)) };
  const checkpoints: Partial<Record<TrainedRole, RoleCheckpoint>> = {};
  const resting = new Set<TrainedRole>();
  let convergence = NOT_VALIDATED;
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });

  function rest(role: TrainedRole, nextStep: number): void {
    resting.add(role);
    if (resting.size < 2) return;
    resting.clear();
    const over = nextStep >= Math.min(until, plan.totalSteps) || converged(convergence, spec.convergence);
    if (over) end();
    else for (const limit of Object.values(limits)) limit.move(limitAfter(nextStep));
  }

  function emit(role: TrainedRole, event: TrainerEvent): void {
    run.emit?.(role, event);
    if (event.kind === 'checkpoint') checkpoints[role] = event.checkpoint;
    if (event.kind === 'evaluation' && role === 'student') {
      const { better } = primary;
      const value = metricIn(event.validation, primary);
      convergence = afterValidations(convergence, [value], { better, minDelta: spec.convergence.minDelta });
    }
    if (event.kind === 'resting') rest(role, event.nextStep);
  }

  return {
    ended,
    totalSteps: plan.totalSteps,
    ports: (role: TrainedRole) => ({ limit: limits[role], emit: (event: TrainerEvent) => emit(role, event) }),
    abandon: (reason: TrikdError) => {
      for (const limit of Object.values(limits)) limit.abandon(reason);
    },
    outcome(): ReferenceOutcome {
      const { teacher, student } = checkpoints;
      if (!teacher || !student) throw new TrikdError('wrong-state', 'the generation ended before its checkpoints');
      return { steps: student.step, teacher, student };
    },
  };
}
