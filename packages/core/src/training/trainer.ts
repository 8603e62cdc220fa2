import { pausesOf } from '../async/slices.js';
import { orAborted, within } from '../async/within.js';
import { assertParamsMatch } from '../checkpoint/blobs.js';
import { makeBatch, readBatchAhead } from '../data/batch.js';
import type { Dataset } from '../data/split.js';
import { TrikdError } from '../domain/errors.js';
import type { BestParams } from '../domain/role-checkpoint.js';
import type { Params } from '../models/params.js';
import { type Learner, learnerOf, sourcesOf } from '../stages/stage.js';
import { isBetter } from '../tasks/metric.js';
import type { ChanceLoss } from '../tasks/task.js';
import { taskOf } from '../tasks/task-of.js';
import type { TrainingStart } from './assignment.js';
import { type Best, type Checkpointer, createCheckpointer } from './checkpointer.js';
import { evaluate } from './evaluate.js';
import type { TrainerPorts, TrainerProgress } from './ports.js';
import type { ModelSession } from './role-program.js';
import { engineSessions, type ModelSessions } from './sessions.js';
import { stagePlan } from './stage-plan.js';
import { createStallWatch } from './stall-watch.js';
import { type StepContext, trainStep } from './train-step.js';

/** A model in training, with the state that changes during a stage. */
interface Training extends StepContext {
  readonly startStep: number;
  readonly checkpoints: Checkpointer;
  best: Best | undefined;
}

/** Seconds for which a step's failure may be held back to store the state before the step. */
const SAVE_TIMEOUT_SECONDS = 10;

/** Share of the step timeout after which a wait for a frame is reported. */
const LONG_WAIT = 0.25;

/**
 * Trains one learner of a stage, from the start step to the last: the loop of both trainers. Pauses wherever the
 * limit is. Resolves when all steps are trained and the last checkpoint, with the test score of the best params, was
 * emitted.
 * @throws TrikdError 'diverged' for a loss that is not finite, 'out-of-step' and 'unavailable' from the ports; or the
 * reason of `ports.signal` when it aborts
 */
export async function trainStage(
  start: TrainingStart,
  dataset: Dataset,
  ports: TrainerPorts,
  sessions: ModelSessions = engineSessions,
): Promise<void> {
  const { spec, stage, role, attempt, startStep, resume } = start;
  const learner = learnerOf(stage, role);
  const session = await sessions.openTrainer({
    ...{ spec, dataset, stage, learner, state: resume?.state },
    signal: ports.signal,
  });
  // Only closing the session ends a step that waits for a frame.
  const abandon = () => void session.close();
  ports.signal.addEventListener('abort', abandon, { once: true });
  const checkpoints = createCheckpointer(session, ports);
  const stalls = createStallWatch(ports, LONG_WAIT * spec.exchange.stepTimeout);
  try {
    ports.signal.throwIfAborted();
    if (start.init) await session.assign(await initialParams(session, start.init, learner));
    const best = resume?.best && (await loadBest(ports, session, resume.best));
    const plan = stagePlan(stage, spec.batchSize, dataset.train.count);
    const context = { spec, stage, learner, attempt, dataset, session, plan, ports, stalls };
    await runSteps({ ...context, startStep, checkpoints, best });
  } catch (error) {
    ports.signal.throwIfAborted();
    throw error;
  } finally {
    ports.signal.removeEventListener('abort', abandon);
    checkpoints.leave();
    stalls.end();
    await session.close();
  }
}

async function runSteps(training: Training): Promise<void> {
  const { spec, attempt, dataset, ports, plan, startStep, checkpoints } = training;
  const meter = progressMeter(() => ports.clock.now());
  const alarm = lossAlarms(taskOf(spec).chance(dataset), Math.max(50, plan.stepsPerEpoch));
  let batch = makeBatch(dataset, spec, attempt.stage, startStep);
  for (let step = startStep; step < plan.totalSteps; step++) {
    if (step >= ports.limit.value) await restAt(training, step);
    checkpoints.assertSound();
    const report = await trainStep(training, batch, () => {
      batch = makeBatch(dataset, spec, attempt.stage, step + 1);
      readBatchAhead(dataset, spec, attempt.stage, step + 2);
    }).catch((error: unknown) => giveUp(training, step, error));
    ports.emit({ kind: 'progress', progress: { ...report.values, nextStep: step + 1, ...meter(report.waits) } });
    const message = alarm(report.taskLoss);
    if (message) ports.emit({ kind: 'alarm', step: step + 1, message });
    if (plan.validatesAfter(step + 1)) await validate(training, step + 1);
    const saves = plan.savesAfter(step + 1) || ports.savesAt(step + 1);
    if (saves && step + 1 < plan.totalSteps) await checkpoints.begin(step + 1, training.best);
  }
  await finish(training, plan.totalSteps);
}

/** Saves a checkpoint, emits it, and waits until the limit allows the step. */
async function restAt(training: Training, step: number): Promise<void> {
  const { ports, startStep, best } = training;
  // At the start step everything is already stored.
  if (step > startStep || best) await finish(training, step);
  else ports.emit({ kind: 'resting', nextStep: step });
  while (step >= ports.limit.value) {
    await orAborted(ports.limit.changed(ports.limit.value), ports.signal);
  }
}

async function finish(training: Training, step: number): Promise<void> {
  const { checkpoints, ports } = training;
  await checkpoints.settled();
  await testBest(training, step);
  await checkpoints.begin(step, training.best);
  await checkpoints.settled();
  ports.emit({ kind: 'resting', nextStep: step });
}

/**
 * Handles a step that failed. If a frame did not arrive, the step has changed nothing yet, so the state before it is
 * saved: a pair that loses its anchor resumes from where it was. Saving delays the failure only for a bounded time and
 * never replaces it.
 */
async function giveUp(training: Training, step: number, failure: unknown): Promise<never> {
  const { ports, startStep, stage, learner, checkpoints } = training;
  const lost = failure instanceof TrikdError && (failure.kind === 'unavailable' || failure.kind === 'out-of-step');
  if (lost && sourcesOf(stage, learner).length > 0 && step > startStep && !ports.signal.aborted) {
    const saving = checkpoints.begin(step, training.best).then(checkpoints.settled);
    await within(saving, SAVE_TIMEOUT_SECONDS, ports.clock).catch(() => undefined);
  }
  throw failure;
}

async function validate(training: Training, step: number): Promise<void> {
  const { session, dataset, spec, ports } = training;
  const validation = await evaluate(training, dataset.validation, { pauses: pausesOf(ports.clock) });
  if (isBetter(taskOf(spec).primary, validation, training.best?.validation)) {
    training.best = { step, validation, values: await session.state(['param']) };
  }
  ports.emit({ kind: 'evaluation', step, validation });
}

/** Scores the best params on the test split before a step. The score is only reported; no decision uses it. */
async function testBest(training: Training, step: number): Promise<void> {
  const { session, dataset, ports, best } = training;
  if (!best || best.test) return;
  const scored = () => evaluate(training, dataset.test, { pauses: pausesOf(ports.clock) });
  if (best.step === step) {
    training.best = { ...best, test: await scored() };
    return;
  }
  const present = await session.state();
  await session.assign(best.values);
  const test = await scored();
  await session.assign(present);
  training.best = { ...best, test };
}

/** Params of another model to start from. The optimizer starts afresh. */
async function initialParams(session: ModelSession, stored: Params, { init }: Learner): Promise<Params> {
  const expected = await session.state(['param']);
  const own = [...stored].filter(([name]) => expected.has(name));
  const keepsHead = init !== 'fresh' && init.kind === 'file' && init.head === 'fresh';
  const params = new Map(keepsHead ? [...expected, ...own] : own);
  assertParamsMatch(params, expected, 'initial params');
  return params;
}

async function loadBest(ports: TrainerPorts, session: ModelSession, { params, ...score }: BestParams): Promise<Best> {
  const values = await ports.load(params);
  assertParamsMatch(values, await session.state(['param']), 'best params of the checkpoint');
  return { ...score, values, blob: params };
}

/** Checks the task loss of every step, in nats at weight 1. Returns a sentence when the loss needs attention. */
export type LossAlarm = (taskLoss: number) => string | undefined;

/** A loss within this share of that of a model that knows nothing counts as chance level. */
const TOLERANCE = 0.01;

/** A loss above this many times chance level has exploded. With fresh params and warm-up it stays far below. */
const EXPLOSION = 100;

/** Number of consecutive steps above that limit: a few large losses recover by themselves. */
const EXPLOSION_STEPS = 20;

/** All alarms. @param patience consecutive steps at chance level that count as a collapse */
export function lossAlarms(chance: ChanceLoss, patience: number): LossAlarm {
  const alarms = [collapseAlarm(chance, patience), explosionAlarm(chance)];
  return (taskLoss) => alarms.flatMap((alarm) => alarm(taskLoss) ?? [])[0];
}

/**
 * Detects the collapse of an online pair: both models say the same of every image, and the task loss stays at chance level.
 */
export function collapseAlarm({ nats, formula }: ChanceLoss, patience: number): LossAlarm {
  return consecutive(
    patience,
    (taskLoss) => Math.abs(taskLoss - nats) <= TOLERANCE * nats,
    `the task loss has been at ${formula} = ${nats.toFixed(4)} for ${patience} steps, as if the model knew nothing: ` +
      'lower the learning rate, lengthen the warm-up, or reduce the distillation weights of the teacher',
  );
}

/**
 * Detects a loss that has exploded but is still finite. It does not end the run: some losses recover, and a loss that
 * is not finite ends the run anyway.
 */
export function explosionAlarm({ nats }: ChanceLoss, patience = EXPLOSION_STEPS): LossAlarm {
  const limit = EXPLOSION * nats;
  return consecutive(
    patience,
    (taskLoss) => taskLoss > limit,
    `the task loss has exploded: it has been above ${limit.toFixed(0)}, ${EXPLOSION} times chance level, for ${patience} steps: ` +
      'lower the learning rate, lengthen the warm-up, or set a smaller clipNorm',
  );
}

/** Reports once each time a condition holds for `patience` consecutive steps. */
function consecutive(patience: number, holds: (taskLoss: number) => boolean, message: string): LossAlarm {
  let steps = 0;
  return (taskLoss) => {
    steps = holds(taskLoss) ? steps + 1 : 0;
    return steps === patience ? message : undefined;
  };
}

/** Milliseconds over which speed and waits are averaged. */
const SPAN = 5000;

type Waits = Readonly<Record<string, number>>;

/**
 * Measures speed and waits over the last seconds. Call it after every step.
 * @param now monotonic milliseconds
 * @returns a function from the milliseconds that a step waited, by source, to the averages
 */
export function progressMeter(now: () => number): (waits: Waits) => Pick<TrainerProgress, 'stepsPerSecond' | 'waits'> {
  let from = now();
  const steps: { readonly ended: number; readonly waits: Waits }[] = [];
  return (waits) => {
    const ended = now();
    steps.push({ ended, waits });
    while (steps.length > 1 && ended - steps[0]!.ended > SPAN) from = steps.shift()!.ended;
    const span = Math.max(ended - from, Number.EPSILON);
    const share = (source: string) => steps.reduce((sum, step) => sum + (step.waits[source] ?? 0), 0) / span;
    const sources = Object.keys(waits);
    return {
      stepsPerSecond: (1000 * steps.length) / span,
      waits: Object.fromEntries(sources.map((source) => [source, Math.min(1, share(source))])),
    };
  };
}
