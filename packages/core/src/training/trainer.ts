import { assertParamsMatch } from '../checkpoint/blobs.js';
import { makeBatch } from '../data/batch.js';
import type { Dataset } from '../data/split.js';
import { activeTerms } from '../losses/objective.js';
import type { Params } from '../params.js';
import { collapseAlarm } from './alarms.js';
import { evaluate } from './evaluate.js';
import { generationPlan } from './generation-plan.js';
import { orAborted } from './or-aborted.js';
import type { Assignment, BestParams, Blob, RoleCheckpoint, TrainerPorts } from './ports.js';
import { progressMeter } from './progress-meter.js';
import { engineSessions, type ModelSession, type ModelSessions } from './sessions.js';
import { type Learner, trainStep } from './train-step.js';

/** The best validated params so far; stored when a checkpoint names them. */
interface Best extends Omit<BestParams, 'params'> {
  readonly values: Params;
  readonly blob?: Blob;
}

/** A model that learns, with what changes while a generation is trained. */
interface Training extends Learner {
  best: Best | undefined;
}

/**
 * Trains one generation of one role, from the assignment's first step to the last: the loop of both trainers. Rests wherever the
 * limit is. Resolves when all steps are trained and the last checkpoint, with the test score of the best params, was emitted.
 * @throws TrikdError 'diverged' for a loss that is not finite, 'out-of-step' and 'unavailable' from the ports; or the reason of
 * `ports.signal` when that aborts.
 */
export async function trainGeneration(
  assignment: Assignment,
  dataset: Dataset,
  ports: TrainerPorts,
  sessions: ModelSessions = engineSessions,
): Promise<void> {
  const { spec, role, attempt, resume } = assignment;
  const terms = activeTerms(spec, role, attempt.generation);
  const { generation } = attempt;
  const session = await sessions.openTrainer({ spec, dataset, generation, role, terms, state: resume?.state });
  // Closing ends a step that waits for a frame; nothing else would.
  const abandon = () => void session.close();
  ports.signal.addEventListener('abort', abandon, { once: true });
  try {
    ports.signal.throwIfAborted();
    const best = resume?.best && (await loadBest(ports, session, resume.best));
    const plan = generationPlan(spec, dataset.train.count);
    await runSteps({ spec, role, attempt, terms, dataset, session, plan, ports, best }, assignment.startStep);
  } catch (error) {
    ports.signal.throwIfAborted();
    throw error;
  } finally {
    ports.signal.removeEventListener('abort', abandon);
    await session.close();
  }
}

async function runSteps(training: Training, startStep: number): Promise<void> {
  const { spec, attempt, dataset, ports, plan } = training;
  const meter = progressMeter(() => ports.now());
  const alarm = collapseAlarm(dataset.classes, Math.max(50, plan.stepsPerEpoch));
  let batch = makeBatch(dataset, spec, attempt.generation, startStep);
  let savedAt = startStep;
  for (let step = startStep; step < plan.totalSteps; step++) {
    if (step >= ports.limit.value) await restAt(training, step, savedAt);
    const report = await trainStep(training, batch, () => {
      batch = makeBatch(dataset, spec, attempt.generation, step + 1);
    });
    ports.emit({ kind: 'progress', progress: { ...report.values, nextStep: step + 1, ...meter(report.waits) } });
    const message = alarm(report.taskLoss);
    if (message) ports.emit({ kind: 'alarm', step: step + 1, message });
    if (plan.validatesAfter(step + 1)) await validate(training, step + 1);
    if (plan.savesAfter(step + 1) && step + 1 < plan.totalSteps) {
      ports.emit({ kind: 'checkpoint', checkpoint: await checkpoint(training, step + 1) });
      savedAt = step + 1;
    }
  }
  await finish(training, plan.totalSteps);
}

/** Saves, says so, and waits until the limit lets the step begin. */
async function restAt(training: Training, step: number, savedAt: number): Promise<void> {
  const { ports } = training;
  // At the very start there is nothing to save that is not stored already.
  if (step > savedAt || training.best) await finish(training, step);
  else ports.emit({ kind: 'resting', nextStep: step });
  while (step >= ports.limit.value) {
    await orAborted(ports.limit.changed(ports.limit.value), ports.signal);
  }
}

async function finish(training: Training, step: number): Promise<void> {
  await testBest(training);
  training.ports.emit({ kind: 'checkpoint', checkpoint: await checkpoint(training, step) });
  training.ports.emit({ kind: 'resting', nextStep: step });
}

async function validate(training: Training, step: number): Promise<void> {
  const { session, dataset, spec, ports } = training;
  const validation = await evaluate(session, dataset, dataset.validation, spec.batchSize);
  if (!training.best || validation.accuracy > training.best.validation.accuracy) {
    training.best = { step, validation, values: await session.state(['param']) };
  }
  ports.emit({ kind: 'evaluation', step, validation });
}

/** Scores the best params on the test split. Only reported: nothing in a run reads it. */
async function testBest(training: Training): Promise<void> {
  const { session, dataset, spec, best } = training;
  if (!best || best.test) return;
  const present = await session.state();
  await session.assign(best.values);
  const test = await evaluate(session, dataset, dataset.test, spec.batchSize);
  await session.assign(present);
  training.best = { ...best, test };
}

async function checkpoint(training: Training, step: number): Promise<RoleCheckpoint> {
  const state = await training.ports.save(await training.session.state());
  const best = await saveBest(training);
  return best ? { step, state, best } : { step, state };
}

async function saveBest(training: Training): Promise<BestParams | undefined> {
  const { best, ports } = training;
  if (!best) return undefined;
  const { values, blob, ...score } = best;
  const params = blob ?? (await ports.save(values));
  training.best = { ...best, blob: params };
  return { ...score, params };
}

async function loadBest(ports: TrainerPorts, session: ModelSession, { params, ...score }: BestParams): Promise<Best> {
  const values = await ports.load(params);
  assertParamsMatch(values, await session.state(['param']), 'best params of the checkpoint');
  return { ...score, values, blob: params };
}
