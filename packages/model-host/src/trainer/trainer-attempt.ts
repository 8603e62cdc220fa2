import { orAborted } from '@trikd/core/async/within';
import { loadParams } from '@trikd/core/checkpoint/blobs';
import type { Dataset } from '@trikd/core/data/split';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { StageAttempt, TrainedRole } from '@trikd/core/domain/position';
import type { Agreement } from '@trikd/core/exchange/frame';
import { createFrameWindow, type FrameWindow } from '@trikd/core/exchange/frame-window';
import type { FrameWait } from '@trikd/core/exchange/subscribe';
import type { Params } from '@trikd/core/models/params';
import type { Facts } from '@trikd/core/run/state';
import { consumersOf, type Learner, learnerOf, type Stage, sourcesOf } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import { type Assignment, type Order, startStepOf, type TrainingStart } from '@trikd/core/training/assignment';
import type { TrainerEvent } from '@trikd/core/training/ports';
import { stagePlan } from '@trikd/core/training/stage-plan';
import { createStepLimit, type MovableLimit } from '@trikd/core/training/step-limit';
import { faultPoint } from '@trikd/process/fault-points';
import type { Logger } from '@trikd/process/logging';
import { retryingStore } from '@trikd/store/retrying-store';
import { type StepMemory, type StepRecorder, tracedPorts } from '@trikd/telemetry/step-recorder';
import { NO_TELEMETRY } from '@trikd/telemetry/telemetry';
import { agreementOf } from '../exchange-source.js';
import { readNoWeights } from '../weights.js';
import { type AttemptEvents, createAttemptEvents, createRest, leave } from './attempt-events.js';
import { attemptPorts, observedPorts, type PortTargets, subscribeToFrames } from './attempt-ports.js';
import type { TrainerParts } from './trainer-parts.js';

/** What a trainer answers to an assignment. */
export interface AssignedFacts extends Facts {
  /** SHA-256 of the file whose params the learner starts from; absent when it read none. */
  readonly initialFile?: string;
}

/** An attempt at a stage: in training, or ended and not replaced yet. */
export interface TrainerAttempt {
  readonly id: StageAttempt;
  /** The learner, by its name in the stage. */
  readonly producer: string;
  readonly order: Order;
  readonly assignment: Assignment;
  readonly facts: AssignedFacts;
  readonly agreement: Agreement;
  readonly window: FrameWindow;
  readonly events: AttemptEvents;
  readonly limit: MovableLimit;
  /** Requests a checkpoint of a step that has not started. */
  saveAt(step: number): void;
  /** The first step that has certainly not started: the lowest limit that the trainer can still keep. */
  firstOpenStep(): number;
  /** Whether it has ended, or rests with everything stored. */
  isIdle(): boolean;
  /** Announces that the process is about to exit, and waits a few seconds for the watchers to pause the attempt. */
  leave(): Promise<void>;
  /** Ends the attempt with `reason`. Resolves when the loop has released the engine. */
  abandon(reason: TrikdError): Promise<void>;
}

type AttemptParts = TrainerParts & { readonly steps: StepMemory };

/**
 * Reads data and checkpoint, connects the ports and starts the training loop. Waits for the store as long as necessary.
 * @param abandoned abort it to stop waiting; once the attempt is returned, use its `abandon` instead
 */
export async function startAttempt(
  parts: AttemptParts,
  assignment: Assignment,
  abandoned: AbortController,
): Promise<TrainerAttempt> {
  const { role, clock } = parts;
  const { attempt, spec } = assignment;
  const stage = stageAt(spec, attempt.stage, assignment.promoted);
  const learner = learnerOf(stage, role);
  assertSources(assignment, sourcesOf(stage, learner));
  const log = parts.log.child({ ...attempt, role });
  const events = createAttemptEvents(clock);
  const ended = new AbortController();
  abandoned.signal.addEventListener('abort', () => ended.abort(abandoned.signal.reason), { once: true });
  const store = attemptStore(parts, events, log, ended.signal);
  const dataset = await orAborted(parts.loadDataset(spec), abandoned.signal);
  const { totalSteps, stepsPerEpoch } = stagePlan(stage, spec.batchSize, dataset.train.count);
  assertWithin(startStepOf(assignment), totalSteps);
  const initial = await initialParams(parts, { stage, learner, dataset, store, assignment }, abandoned.signal);
  const start = await trainingStart(role, stage, store, assignment, initial?.params);

  const agreement = agreementOf(spec, dataset);
  const window = createFrameWindow({
    attempt,
    firstStep: start.startStep,
    size: spec.exchange.window,
    consumers: consumersOf(stage, learner.name),
  });
  const limit = createStepLimit(assignment.limit);
  const rest = createRest(limit, ended.signal);
  const requestedSaves = new Set<number>();
  const recorder = parts.steps.begin(attempt, role, assignment.tracing);
  const slow = (wait: FrameWait) => log.warn({ ...wait, ...recorder.idsOf(wait.step) }, 'frame overdue');
  const frames = subscribeToFrames(parts, assignment, stage, { agreement, slow, signal: ended.signal });
  const targets = {
    attempt,
    frames,
    window,
    limit,
    requestedSaves,
    store,
    events,
    rest,
    clock,
    log,
    abandoned: abandoned.signal,
    ended: ended.signal,
  };
  const done = train(parts, start, dataset, targets, recorder, assignment.replicas).finally(async () => {
    ended.abort(new TrikdError('out-of-step', 'the attempt has ended'));
    await Promise.allSettled(Object.values(frames).map((each) => each.return()));
  });

  return {
    id: attempt,
    order: { attempt, term: assignment.term },
    producer: learner.name,
    assignment,
    facts: {
      ...{ datasetDigest: dataset.digest, classes: dataset.classes, totalSteps, stepsPerEpoch },
      ...(initial?.sha256 !== undefined && { initialFile: initial.sha256 }),
    },
    agreement,
    window,
    events,
    limit,
    saveAt: (step) => addSave(requestedSaves, step, window.nextStep),
    // The step after the newest published one may be in its forward pass, unless the limit forbids it.
    firstOpenStep: () => Math.min(limit.value, window.nextStep + 1),
    isIdle: () => ended.signal.aborted || rest.isReached(),
    async leave() {
      if (!ended.signal.aborted && events.hasReaders()) await leave(events, rest, clock);
    },
    async abandon(reason) {
      abandoned.abort(reason);
      limit.abandon(reason);
      window.close(reason);
      events.close(reason);
      await done;
    },
  };
}

/** Runs the training loop to its end. A failure is logged, emitted, and ends the streams of frames; it is not thrown. */
async function train(
  { role, trainStage, telemetry = NO_TELEMETRY }: TrainerParts,
  start: TrainingStart,
  dataset: Dataset,
  targets: PortTargets,
  recorder: StepRecorder,
  replicas: readonly string[] | undefined,
): Promise<void> {
  const { attempt, window, limit, events, log, abandoned } = targets;
  try {
    log.info({ startStep: start.startStep, limit: limit.value }, 'training');
    faultPoint('attempt.started', () => ({ ...attempt, role, step: start.startStep }));
    const traced = tracedPorts(attemptPorts(targets), role, start.stage, recorder, telemetry);
    await trainStage(start, dataset, observedPorts(traced, role, start.stage, attempt), replicas);
    window.close();
    log.info({ steps: window.nextStep }, 'stage trained');
  } catch (error) {
    if (abandoned.aborted) return;
    recorder.failed(error);
    log.error({ err: error, step: window.nextStep, ...recorder.idsOf(window.nextStep) }, 'attempt failed');
    events.emit(failureEvent(error));
    window.close(errorForConsumers(error, role));
  }
}

function assertWithin(step: number, totalSteps: number): void {
  if (step <= totalSteps) return;
  throw new TrikdError('invalid', `step ${step} is beyond the ${totalSteps} steps of a stage`, { step });
}

/** @throws TrikdError 'invalid' unless the assignment has the address of every participant that the objective needs, and no other */
function assertSources({ sources }: Assignment, needed: readonly string[]): void {
  const named = Object.keys(sources);
  const missing = needed.filter((name) => !named.includes(name));
  const more = named.filter((name) => !needed.includes(name));
  if (missing.length + more.length === 0) return;
  const parts = [...missing.map((name) => `no address of ${name}`), ...more.map((name) => `one of ${name}`)];
  throw new TrikdError('invalid', `the assignment has ${parts.join(' and ')}, which is not as the objective needs`);
}

/** An orchestrator requests one checkpoint at a time. */
const MOST_REQUESTED_SAVES = 64;

/** @throws TrikdError 'exhausted' while too many requested steps are ahead */
function addSave(requested: Set<number>, step: number, nextStep: number): void {
  for (const past of requested) if (past < nextStep) requested.delete(past);
  if (requested.size >= MOST_REQUESTED_SAVES && !requested.has(step)) {
    throw new TrikdError('exhausted', `${MOST_REQUESTED_SAVES} checkpoints of later steps are requested already`);
  }
  requested.add(step);
}

/** What a learner starts from instead of fresh params. */
interface InitialParams {
  readonly params: Params;
  /** Of their file; absent when they are a blob. */
  readonly sha256?: string;
}

/** The params that the learner of a new stage starts from: those of a blob, or of a file; undefined: fresh ones, or those of a checkpoint. */
async function initialParams(
  { readWeights = readNoWeights }: TrainerParts,
  of: {
    readonly stage: Stage;
    readonly learner: Learner;
    readonly dataset: Dataset;
    readonly store: ObjectStore;
    readonly assignment: Assignment;
  },
  signal: AbortSignal,
): Promise<InitialParams | undefined> {
  const { learner, dataset, store, assignment } = of;
  const { spec, resume, init } = assignment;
  if (resume) return undefined;
  if (learner.init !== 'fresh' && learner.init.kind === 'file') {
    return await orAborted(readWeights(learner.init, { spec, dataset, model: learner.model }), signal);
  }
  if (init) return { params: await loadParams(store, init) };
  if (learner.init === 'fresh') return undefined;
  throw new TrikdError('invalid', `the assignment has no initial params of ${learner.name}`);
}

async function trainingStart(
  role: TrainedRole,
  stage: Stage,
  store: ObjectStore,
  assignment: Assignment,
  init: Params | undefined,
): Promise<TrainingStart> {
  const { attempt, spec, resume } = assignment;
  const common = { role, spec, stage, attempt, startStep: startStepOf(assignment) };
  if (!resume) return { ...common, ...(init && { init }) };
  const state = await loadParams(store, resume.state);
  return { ...common, resume: resume.best ? { state, best: resume.best } : { state } };
}

/** The event for an error that ended an attempt. */
function failureEvent(error: unknown): TrainerEvent {
  const message = messageOf(error);
  return { kind: 'failure', failure: { kind: error instanceof TrikdError ? error.kind : 'internal', message } };
}

/**
 * The error with which the streams of a failed attempt end. The attempt does not come back, so consumers must not reconnect, as after
 * 'unavailable'. They are not told what it failed of: the trainer reports that to its orchestrator, and a message may quote digests.
 */
function errorForConsumers(error: unknown, role: TrainedRole): TrikdError {
  return new TrikdError('out-of-step', `the ${role} gave up`, {}, { cause: error });
}

/** The store of an attempt: retries until `signal` aborts; outages are logged, and emitted as stalls. */
function attemptStore(
  { store, clock, random }: Pick<TrainerParts, 'store' | 'clock' | 'random'>,
  events: AttemptEvents,
  log: Logger,
  signal: AbortSignal,
): ObjectStore {
  const onOutage = (reason: string | undefined) => {
    if (reason === undefined) {
      log.info('the store is available again');
      events.emit({ kind: 'went-on', on: 'store' });
    } else {
      log.warn({ reason }, 'waiting for the store');
      events.emit({ kind: 'stalled', on: 'store', reason });
    }
  };
  return retryingStore(store, { clock, random, signal, onOutage });
}
