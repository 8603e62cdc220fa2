import { createBell } from '@trikd/core/async/bell';
import type { Clock } from '@trikd/core/async/clock';
import { orAborted } from '@trikd/core/async/or-aborted';
import { within } from '@trikd/core/async/within';
import { blobsFolder, loadParams, saveParams } from '@trikd/core/checkpoint/blobs';
import type { Dataset } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { type GenerationAttempt } from '@trikd/core/domain/position';
import type { FrameSource } from '@trikd/core/domain/role';
import { peerOf, type TrainedRole } from '@trikd/core/domain/role';
import { consumersOf } from '@trikd/core/exchange/consumers';
import type { Agreement, LogitsFrame } from '@trikd/core/exchange/frame';
import { createFrameWindow, type FrameWindow } from '@trikd/core/exchange/frame-window';
import { type Dial, type FrameWait, subscribe } from '@trikd/core/exchange/subscribe';
import type { Facts } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { type Assignment, startStepOf } from '@trikd/core/training/assignment';
import { generationPlan } from '@trikd/core/training/generation-plan';
import type { TrainerPorts } from '@trikd/core/training/ports';
import { createStepLimit, type MovableLimit } from '@trikd/core/training/step-limit';
import type { TrainingStart } from '@trikd/core/training/training-start';
import type { Logger } from '@trikd/process/logging';
import { reach } from '@trikd/process/points';
import { patientStore } from '@trikd/store/patient-store';
import type { StepMemory } from '@trikd/telemetry/step-memory';
import { NO_TELEMETRY, type Telemetry } from '@trikd/telemetry/telemetry';
import { tracedPorts } from '@trikd/telemetry/traced-ports';
import { agreementOf } from '../exchange/agreement-of.js';
import { createEventLog, type EventLog } from './event-log.js';
import { observedPorts } from './observed-ports.js';

/** What a trainer is made of. `trainGeneration` is the model and its loop. */
export interface TrainerParts {
  readonly role: TrainedRole;
  readonly store: ObjectStore;
  readonly loadDataset: (spec: RunSpec) => Promise<Dataset>;
  readonly trainGeneration: (start: TrainingStart, dataset: Dataset, ports: TrainerPorts) => Promise<void>;
  /** How the models that it hears are reached. */
  readonly dial: Dial;
  readonly clock: Clock;
  /** Uniform on [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** Default: none. */
  readonly telemetry?: Telemetry;
}

/** A generation in training, or one that has ended and waits to be replaced. */
export interface TrainerAttempt {
  readonly id: GenerationAttempt;
  readonly facts: Facts;
  readonly agreement: Agreement;
  readonly window: FrameWindow;
  readonly events: EventLog;
  readonly limit: MovableLimit;
  /** Asks for a checkpoint of a step that is not begun. */
  saveAt(step: number): void;
  /** First step that the trainer has certainly not begun: the lowest limit that it still keeps. */
  notBegun(): number;
  /**
   * Says that the process is about to end, and waits, not for ever, until whoever watches has brought the attempt to rest and knows
   * all of it.
   */
  leave(): Promise<void>;
  /** Ends it by `reason` and waits until the loop has let go of the engine. */
  abandon(reason: TrikdError): Promise<void>;
}

/**
 * Reads data and checkpoint, wires the ports and sets the loop going. Waits for the store as long as that takes.
 * @param abandoned to be aborted by whoever does not want to wait any more; once the attempt is there, by its `abandon` alone
 */
export async function startAttempt(
  parts: TrainerParts & { readonly steps: StepMemory },
  assignment: Assignment,
  abandoned: AbortController,
): Promise<TrainerAttempt> {
  const { role, clock, random, telemetry = NO_TELEMETRY } = parts;
  const { attempt, spec } = assignment;
  const startStep = startStepOf(assignment);
  const log = parts.log.child({ ...attempt, role });
  const events = createEventLog(clock);
  const trouble = (reason: string | undefined) => {
    if (reason === undefined) log.info('the store works again');
    else log.warn({ reason }, 'waiting for the store');
    events.append(reason === undefined ? { kind: 'went-on', on: 'store' } : { kind: 'stalled', on: 'store', reason });
  };
  /** Aborts when the attempt has ended or is abandoned. */
  const over = new AbortController();
  abandoned.signal.addEventListener('abort', () => over.abort(abandoned.signal.reason), { once: true });
  const store = patientStore(parts.store, { clock, random, signal: over.signal, trouble });
  const dataset = await orAborted(parts.loadDataset(spec), abandoned.signal);
  const start = await trainingStart(role, store, assignment);
  const { totalSteps, stepsPerEpoch } = generationPlan(spec, dataset.train.count);
  const agreement = agreementOf(spec, dataset);
  const window = createFrameWindow({
    attempt,
    firstStep: startStep,
    size: spec.exchange.window,
    consumers: consumersOf(spec, role, attempt.generation),
  });
  const limit = createStepLimit(assignment.limit);
  const saves = new Set<number>();
  let restsBefore: number | undefined;
  /** Rung when the attempt rests, or is over. */
  const still = createBell();
  const recorder = parts.steps.begin(attempt, role, assignment.tracing);
  const slow = (wait: FrameWait) => log.warn({ ...wait, ...recorder.idsOf(wait.step) }, 'waits for a frame');
  const frames = framesFor(parts, assignment, agreement, slow, over.signal);
  // The loop does not always fail of it: when it gives a step up, that is what it says.
  const notSaved = (error: unknown) => {
    if (!over.signal.aborted) log.warn({ err: error }, 'params could not be saved');
    throw error;
  };
  const ports: TrainerPorts = {
    frames,
    publish: (frame) => window.publish(frame),
    limit,
    savesAt: (step) => saves.has(step),
    save: (params) => saveParams(store, blobsFolder(attempt), params).catch(notSaved),
    load: (blob) => loadParams(store, blob),
    emit: (event) => {
      events.append(event);
      if (event.kind !== 'resting') return;
      restsBefore = event.nextStep;
      still.ring();
    },
    clock,
    signal: abandoned.signal,
  };

  const train = async () => {
    try {
      log.info({ startStep, limit: assignment.limit }, 'training');
      reach('attempt.begun', () => ({ ...attempt, role, step: startStep }));
      const traced = tracedPorts(ports, role, recorder, telemetry);
      await parts.trainGeneration(start, dataset, observedPorts(traced, role, attempt));
      window.close();
      log.info({ steps: window.nextStep }, 'generation trained');
    } catch (error) {
      if (abandoned.signal.aborted) return;
      recorder.failed(error);
      log.error({ err: error, step: window.nextStep, ...recorder.idsOf(window.nextStep) }, 'the attempt failed');
      events.append({ kind: 'failure', failure: failureOf(error) });
      window.close(asSeenByPeers(error, role));
    } finally {
      over.abort(new TrikdError('out-of-step', 'the attempt is over'));
      still.ring();
      await Promise.allSettled(Object.values(frames).map((each) => each.return()));
    }
  };
  const done = train();
  const rested = async () => {
    while (!over.signal.aborted && !(restsBefore !== undefined && restsBefore >= limit.value)) await still.heard();
    await events.told();
  };

  return {
    id: attempt,
    facts: { datasetDigest: dataset.digest, classes: dataset.classes, totalSteps, stepsPerEpoch },
    agreement,
    window,
    events,
    limit,
    saveAt: (step) => saves.add(step),
    // The step after the last one published may be in its forward pass, unless the limit forbids it.
    notBegun: () => Math.min(limit.value, window.nextStep + 1),
    async leave() {
      if (over.signal.aborted || !events.isRead()) return;
      events.append({ kind: 'leaving' });
      await within(rested(), LEAVE_SECONDS, clock);
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

/** For a step that both trainers can reach, and its checkpoint. */
const LEAVE_SECONDS = 6;

async function trainingStart(role: TrainedRole, store: ObjectStore, assignment: Assignment): Promise<TrainingStart> {
  const { attempt, spec, resume } = assignment;
  const common = { role, spec, attempt, startStep: startStepOf(assignment) };
  if (!resume) return common;
  const state = await loadParams(store, resume.state);
  return { ...common, resume: resume.best ? { state, best: resume.best } : { state } };
}

type Frames = Readonly<Partial<Record<FrameSource, AsyncGenerator<LogitsFrame, void>>>>;

function framesFor(
  parts: TrainerParts,
  assignment: Assignment,
  agreement: Agreement,
  slow: (wait: FrameWait) => void,
  signal: AbortSignal,
): Frames {
  const { role, dial, clock, random } = parts;
  const common = {
    consumer: role,
    from: { ...assignment.attempt, step: startStepOf(assignment) },
    agreement,
    stepTimeoutSeconds: assignment.spec.exchange.stepTimeout,
    slow,
    signal,
    dial,
    clock,
    random,
  };
  const { anchorAddress, peerAddress } = assignment;
  return {
    ...(anchorAddress && { anchor: subscribe({ ...common, producer: 'anchor', address: anchorAddress }) }),
    ...(peerAddress && { peer: subscribe({ ...common, producer: peerOf(role), address: peerAddress }) }),
  };
}

function failureOf(error: unknown) {
  if (error instanceof TrikdError) return { kind: error.kind, message: error.message };
  return { kind: 'internal' as const, message: error instanceof Error ? error.message : String(error) };
}

/**
 * Consumers dial again after 'unavailable', and here is nobody to come back to: they are told 'out-of-step', as by any attempt
 * that is not served any more.
 */
function asSeenByPeers(error: unknown, role: TrainedRole): TrikdError {
  if (error instanceof TrikdError && error.kind !== 'unavailable') return error;
  const why = error instanceof TrikdError ? error.message : 'internal error';
  return new TrikdError('out-of-step', `the ${role} gave up: ${why}`, {}, { cause: error });
}
