import { orAborted } from '../async/within.js';
import type { Batch } from '../data/batch.js';
import type { Dataset } from '../data/split.js';
import { TrikdError } from '../domain/errors.js';
import type { StageAttempt } from '../domain/position.js';
import { checkFrame } from '../exchange/check-frame.js';
import { formatOf } from '../exchange/frame.js';
import { toSent } from '../exchange/sent-logits.js';
import { gateOf } from '../losses/gated-terms.js';
import { reversalAt } from '../losses/learned-temperature.js';
import { learnedOf, partOf } from '../losses/objective.js';
import type { ScheduleSpec, TermSpec } from '../spec/role-spec.js';
import type { RunSpec } from '../spec/run-spec.js';
import { isLearned, type Moment, valueAt } from '../spec/term-spec.js';
import { type Learner, type Stage, sourcesOf } from '../stages/stage.js';
import { taskOf } from '../tasks/task-of.js';
import type { StepMoment } from '../timing/moments.js';
import type { LossTerm, TrainerPorts, TrainerProgress } from './ports.js';
import {
  LOGITS,
  type ModelSession,
  optimizerFeeds,
  randomFeeds,
  reversalInput,
  TRAIN,
  temperatureInput,
  weightInput,
} from './role-program.js';
import type { StagePlan } from './stage-plan.js';
import type { StallWatch } from './stall-watch.js';

/** A model in training, with everything that a step needs. */
export interface StepContext {
  readonly spec: RunSpec;
  readonly stage: Stage;
  readonly learner: Learner;
  readonly attempt: StageAttempt;
  readonly dataset: Dataset;
  readonly session: ModelSession;
  readonly plan: StagePlan;
  readonly ports: TrainerPorts;
  readonly stalls: StallWatch;
}

export interface StepReport {
  readonly values: Pick<TrainerProgress, 'terms' | 'batchMetrics' | 'gradientNorm' | 'learningRate'>;
  /** Task loss at weight 1; NaN if the objective has no task term, or its weight is 0 at this step. */
  readonly taskLoss: number;
  /** Milliseconds spent waiting for frames, by participant. */
  readonly waits: Readonly<Record<string, number>>;
}

/**
 * One step: compute logits, receive the others' logits, learn. The graph runs from the images to the update; in the
 * middle it outputs its own logits and waits for the others'.
 * @param meanwhile work for the JavaScript thread while the graph computes the forward pass
 */
export async function trainStep(context: StepContext, batch: Batch, meanwhile: () => void): Promise<StepReport> {
  const { spec, session, ports, attempt, dataset, stage, learner } = context;
  const isFrozen = (source: string) => stage.frozen.some(({ name }) => name === source);
  const sources = sourcesOf(stage, learner);
  const rate = rateOf(context, batch.step);
  const mark = (moment: StepMoment) => ports.steps?.(batch.step, moment);
  mark('forward');
  const running = session.run(TRAIN, feedsOf(context, batch, rate));
  // If the run fails or is closed, whatever the step waits for would never come.
  const failed = running.then(() => new Promise<never>(() => {}));
  mark('next-data');
  meanwhile();
  mark('next-data-done');
  const data = await Promise.race([session.take(LOGITS), failed]);
  assertFinite(learner.name, data, batch.step);
  const own = { rows: batch.labels.length, cols: dataset.classes, data };
  const logits = toSent(own, formatOf(spec, dataset.classes), `the ${learner.name} at step ${batch.step}`);
  const frame = { position: { ...attempt, step: batch.step }, batchDigest: batch.digest, logits };
  const receiveAll = (from: readonly string[], moment: StepMoment) =>
    Promise.all(from.map((source) => receive(context, batch, source, moment)));
  const put = (received: readonly Received[]) =>
    Promise.all(received.map(({ source, logits: target }) => session.put(source, target)));
  // Frames of frozen models come first: a model that has the peer's frame knows that the peer can train the step too. So
  // when a frozen model is lost, both stop at the same step.
  const answers = await Promise.race([receiveAll(sources.filter(isFrozen), 'await-anchor'), failed]);
  mark('publish');
  await Promise.race([orAborted(ports.publish(frame), ports.signal), failed]);
  const handed = put(answers);
  const peers = receiveAll(
    sources.filter((source) => !isFrozen(source)),
    'await-peer',
  );
  const [hints] = await Promise.race([Promise.all([peers, handed]), failed]);
  mark('backward');
  await Promise.race([put(hints), failed]);
  const waits = Object.fromEntries([...answers, ...hints].map(({ source, waited }) => [source, waited]));
  const outputs = await running;
  mark('done');
  return reportOf(context, batch.step, rate, outputs, waits);
}

/** The logits of another participant, and the milliseconds spent waiting for them. */
interface Received {
  readonly source: string;
  readonly logits: Float32Array;
  readonly waited: number;
}

async function receive(context: StepContext, batch: Batch, source: string, moment: StepMoment): Promise<Received> {
  const { spec, ports, attempt, dataset, stalls } = context;
  const from = ports.clock.now();
  ports.steps?.(batch.step, moment);
  const frame = ports.frames[source]?.next();
  const next = frame && (await stalls.during(source, `waiting for step ${batch.step} of the ${source}`, frame));
  if (!next || next.done) throw new TrikdError('unavailable', `the ${source} stopped before step ${batch.step}`);
  const waited = ports.clock.now() - from;
  const expected = {
    position: { ...attempt, step: batch.step },
    batchDigest: batch.digest,
    rows: batch.labels.length,
    cols: dataset.classes,
    format: formatOf(spec, dataset.classes),
  };
  return { source, logits: checkFrame(next.value, expected, source), waited };
}

function rateOf({ stage, learner, plan }: StepContext, step: number): number {
  return learningRate(stage.schedule, learner.learningRate, stage.warmupSteps, plan.totalSteps, step);
}

function momentOf({ stage, plan }: StepContext, step: number): Moment {
  return { step, totalSteps: plan.totalSteps, generation: stage.generation ?? stage.index };
}

function feedsOf(context: StepContext, batch: Batch, rate: number) {
  const { spec, stage, learner, plan } = context;
  const { optimizer, clipNorm, objective: terms } = learner;
  const moment = momentOf(context, batch.step);
  const feeds: Record<string, number | Uint8Array | Int32Array | Float32Array> = {
    images: batch.images,
    labels: batch.labels,
    ...(batch.mix && { mixLabels: batch.mix.labels, mixShares: batch.mix.shares }),
    learningRate: rate,
    ...randomFeeds(spec, stage, learner, batch.step),
    ...optimizerFeeds(optimizer, batch.step),
  };
  if (clipNorm !== null) feeds.clipNorm = clipNorm;
  for (const [index, term] of terms.entries()) {
    feeds[weightInput(index)] = valueAt(term.weight, moment);
    if (term.kind === 'task') feeds[temperatureInput(index)] = 1;
    else if (!isLearned(term.temperature)) feeds[temperatureInput(index)] = valueAt(term.temperature, moment);
    else feeds[reversalInput(index)] = reversalAt(term.temperature, Math.floor(batch.step / plan.stepsPerEpoch));
  }
  return feeds;
}

function reportOf(
  context: StepContext,
  step: number,
  rate: number,
  outputs: Record<string, Float32Array>,
  waits: StepReport['waits'],
): StepReport {
  const { spec, learner } = context;
  const { objective: terms, name } = learner;
  const reported = termsOf(terms, outputs);
  const gradientNorm = outputs.gradientNorm![0]!;
  if (!reported.every(({ value }) => Number.isFinite(value)) || !Number.isFinite(gradientNorm)) {
    const said = reported.map(({ part, value }) => `${part} ${value}`).join(', ');
    throw new TrikdError(
      'diverged',
      `the loss of the ${name} is not finite at step ${step}: ${said}, gradient norm ${gradientNorm}`,
      { step },
    );
  }
  const batchMetrics = taskOf(spec).ofBatch(outputs.correct![0]!, spec.batchSize);
  const weights = terms.map((term) => (term.kind === 'task' ? valueAt(term.weight, momentOf(context, step)) : 0));
  const task = weights.findIndex((weight) => weight > 0);
  return {
    values: { terms: reported, gradientNorm, learningRate: rate, batchMetrics },
    taskLoss: task === -1 ? Number.NaN : reported[task]!.value / weights[task]!,
    waits,
  };
}

/** What is reported of each term. The outputs list the terms with a gate, and those with a learned temperature, in their order. */
function termsOf(terms: readonly TermSpec[], outputs: Record<string, Float32Array>): readonly LossTerm[] {
  const gated = terms.filter(gateOf);
  const learning = terms.filter(learnedOf);
  return terms.map((term, index) => {
    const open = outputs.gates?.[gated.indexOf(term)];
    const temperature = outputs.temperatures?.[learning.indexOf(term)];
    return {
      part: partOf(term),
      value: outputs.terms![index]!,
      ...(open !== undefined && { open: open === 1 }),
      ...(temperature !== undefined && { temperature }),
    };
  });
}

function assertFinite(name: string, logits: Float32Array, step: number): void {
  // Not with findIndex, whose calls take twenty times as long: ten milliseconds for 10,000 classes.
  for (let i = 0; i < logits.length; i++) {
    if (Number.isFinite(logits[i])) continue;
    throw new TrikdError('diverged', `the ${name} computed a logit of ${logits[i]} at step ${step}`, { step });
  }
}

/**
 * The learning rate of one step. It rises linearly over `warmupSteps`, from peak / warmupSteps at step 0, and then
 * follows the schedule. Steps count from 0 and the last is `totalSteps` - 1; the cosine would reach 0 at `totalSteps`
 * (Loshchilov & Hutter 2017). If the warm-up is not shorter than the stage, the schedule has no effect.
 */
export function learningRate(
  schedule: ScheduleSpec,
  peak: number,
  warmupSteps: number,
  totalSteps: number,
  step: number,
): number {
  if (step < warmupSteps) return peak * ((step + 1) / warmupSteps);
  switch (schedule.kind) {
    case 'constant':
      return peak;
    case 'cosine': {
      const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
      return (peak * (1 + Math.cos(Math.PI * progress))) / 2;
    }
    case 'multistep': {
      const passed = schedule.milestones.filter((milestone) => step >= milestone * totalSteps).length;
      return peak * schedule.factor ** passed;
    }
  }
}
