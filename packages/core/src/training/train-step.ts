import { orAborted } from '../async/or-aborted.js';
import type { Batch } from '../data/batch.js';
import type { Dataset } from '../data/split.js';
import { TrikdError } from '../domain/errors.js';
import { type GenerationAttempt } from '../domain/position.js';
import type { FrameSource } from '../domain/role.js';
import { peerOf, type TrainedRole } from '../domain/role.js';
import { checkFrame } from '../exchange/check-frame.js';
import { gateOf } from '../losses/gates/gated-terms.js';
import { reversalAt } from '../losses/learned-temperature.js';
import { learnedOf, partOf, sourcesOf } from '../losses/objective.js';
import { isLearned } from '../spec/learned-temperature-spec.js';
import type { TermSpec } from '../spec/role-spec.js';
import type { RunSpec } from '../spec/run-spec.js';
import { type Moment, valueAt } from '../spec/scheduled.js';
import { taskOf } from '../tasks/task-of.js';
import type { StepMoment } from '../timing/moments.js';
import type { GenerationPlan } from './generation-plan.js';
import type { TrainerPorts } from './ports.js';
import {
  LOGITS,
  optimizerFeeds,
  randomFeeds,
  reversalInput,
  TRAIN,
  temperatureInput,
  weightInput,
} from './role-program.js';
import { learningRate } from './schedule.js';
import type { ModelSession } from './sessions.js';
import type { StallWatch } from './stall-watch.js';
import type { LossTerm, TrainerProgress } from './trainer-event.js';

/** A model in training, with everything that a step needs. */
export interface Learner {
  readonly spec: RunSpec;
  readonly role: TrainedRole;
  readonly attempt: GenerationAttempt;
  readonly terms: readonly TermSpec[];
  readonly dataset: Dataset;
  readonly session: ModelSession;
  readonly plan: GenerationPlan;
  readonly ports: TrainerPorts;
  readonly stalls: StallWatch;
}

export interface StepReport {
  readonly values: Pick<TrainerProgress, 'terms' | 'batchMetrics' | 'gradientNorm' | 'learningRate'>;
  /** Cross-entropy at weight 1; NaN if the objective has no task term, or its weight is 0 at this step. */
  readonly taskLoss: number;
  /** Whether each term with a gate took part in the step; absent if no term has one. */
  readonly gates?: readonly { readonly part: LossTerm['part']; readonly open: boolean }[];
  /** The temperature of each term that learns it, before the step's update; absent if none does. */
  readonly temperatures?: readonly { readonly part: LossTerm['part']; readonly temperature: number }[];
  /** Milliseconds spent waiting for frames. */
  readonly waits: Readonly<Partial<Record<FrameSource, number>>>;
}

/**
 * One step: compute logits, receive the others' logits, learn. The graph runs from the images to the update; in the
 * middle it outputs its own logits and waits for the others'.
 * @param meanwhile work for the JavaScript thread while the graph computes the forward pass
 */
export async function trainStep(learner: Learner, batch: Batch, meanwhile: () => void): Promise<StepReport> {
  const { session, ports, attempt, dataset } = learner;
  const rate = rateOf(learner, batch.step);
  const mark = (moment: StepMoment) => ports.steps?.(batch.step, moment);
  mark('forward');
  const running = session.run(TRAIN, feedsOf(learner, batch, rate));
  // If the run fails or is closed, whatever the step waits for would never come.
  const failed = running.then(() => new Promise<never>(() => {}));
  mark('next-data');
  meanwhile();
  mark('next-data-done');
  const data = await Promise.race([session.take(LOGITS), failed]);
  assertFinite(learner.role, data, batch.step);
  const logits = { rows: batch.labels.length, cols: dataset.classes, data };
  const frame = { position: { ...attempt, step: batch.step }, batchDigest: batch.digest, logits };
  // The anchor's frame comes first: a model that has the peer's frame knows that the peer can train the step too. So
  // when the anchor is lost, both stop at the same step.
  const anchor = await Promise.race([receive(learner, batch, 'anchor'), failed]);
  mark('publish');
  await Promise.race([orAborted(ports.publish(frame), ports.signal), failed]);
  const handed = anchor && session.put('anchor', anchor.logits);
  const [peer] = await Promise.race([Promise.all([receive(learner, batch, 'peer'), handed]), failed]);
  mark('backward');
  if (peer) await Promise.race([session.put('peer', peer.logits), failed]);
  const waits = { ...(anchor && { anchor: anchor.waited }), ...(peer && { peer: peer.waited }) };
  const outputs = await running;
  mark('done');
  return reportOf(learner, batch.step, rate, outputs, waits);
}

/**
 * The logits of a source and the milliseconds spent waiting for them; undefined if the objective does not need the
 * source.
 */
async function receive(learner: Learner, batch: Batch, source: FrameSource) {
  const { ports, role, attempt, dataset, terms, stalls } = learner;
  if (!sourcesOf(terms).includes(source)) return undefined;
  const name = source === 'peer' ? peerOf(role) : source;
  const from = ports.clock.now();
  ports.steps?.(batch.step, source === 'anchor' ? 'await-anchor' : 'await-peer');
  const frame = ports.frames[source]?.next();
  const next = frame && (await stalls.during(name, `waiting for step ${batch.step} of the ${name}`, frame));
  if (!next || next.done) throw new TrikdError('unavailable', `the ${name} stopped before step ${batch.step}`);
  const waited = ports.clock.now() - from;
  const expected = {
    position: { ...attempt, step: batch.step },
    batchDigest: batch.digest,
    rows: batch.labels.length,
    cols: dataset.classes,
  };
  checkFrame(next.value, expected, name);
  return { logits: next.value.logits.data, waited };
}

function rateOf({ spec, role, plan }: Learner, step: number): number {
  return learningRate(spec.schedule, spec[role].learningRate, spec.warmupSteps, plan.totalSteps, step);
}

function momentOf({ attempt, plan }: Learner, step: number): Moment {
  return { step, totalSteps: plan.totalSteps, generation: attempt.generation };
}

function feedsOf(learner: Learner, batch: Batch, rate: number) {
  const { spec, role, terms, attempt, plan } = learner;
  const { optimizer, clipNorm } = spec[role];
  const moment = momentOf(learner, batch.step);
  const feeds: Record<string, number | Uint8Array | Int32Array> = {
    images: batch.images,
    labels: batch.labels,
    learningRate: rate,
    ...randomFeeds(spec, attempt.generation, role, batch.step),
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
  learner: Learner,
  step: number,
  rate: number,
  outputs: Record<string, Float32Array>,
  waits: StepReport['waits'],
): StepReport {
  const { spec, terms, role } = learner;
  const reported = terms.map((term, index) => ({ part: partOf(term), value: outputs.terms![index]! }));
  const gradientNorm = outputs.gradientNorm![0]!;
  if (!reported.every(({ value }) => Number.isFinite(value)) || !Number.isFinite(gradientNorm)) {
    const said = reported.map(({ part, value }) => `${part} ${value}`).join(', ');
    throw new TrikdError(
      'diverged',
      `the loss of the ${role} is not finite at step ${step}: ${said}, gradient norm ${gradientNorm}`,
      { step },
    );
  }
  const batchMetrics = taskOf(spec).ofBatch(outputs.correct![0]!, spec.batchSize);
  const weights = terms.map((term) => (term.kind === 'task' ? valueAt(term.weight, momentOf(learner, step)) : 0));
  const task = weights.findIndex((weight) => weight > 0);
  return {
    values: { terms: reported, gradientNorm, learningRate: rate, batchMetrics },
    taskLoss: task === -1 ? Number.NaN : reported[task]!.value / weights[task]!,
    ...(outputs.gates && { gates: gatesOf(terms, outputs.gates) }),
    ...(outputs.temperatures && { temperatures: temperaturesOf(terms, outputs.temperatures) }),
    waits,
  };
}

/** @param values of the terms with a gate, in their order: 1 or 0 */
function gatesOf(terms: readonly TermSpec[], values: Float32Array): NonNullable<StepReport['gates']> {
  return terms.filter(gateOf).map((term, index) => ({ part: partOf(term), open: values[index] === 1 }));
}

/** @param values of the terms with a learned temperature, in their order */
function temperaturesOf(terms: readonly TermSpec[], values: Float32Array): NonNullable<StepReport['temperatures']> {
  return terms.filter(learnedOf).map((term, index) => ({ part: partOf(term), temperature: values[index]! }));
}

function assertFinite(role: TrainedRole, logits: Float32Array, step: number): void {
  const place = logits.findIndex((logit) => !Number.isFinite(logit));
  if (place !== -1)
    throw new TrikdError('diverged', `the ${role} computed a logit of ${logits[place]} at step ${step}`, { step });
}
