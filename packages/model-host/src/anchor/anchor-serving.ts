import { createSerial } from '@trikd/core/async/serial';
import { orAborted } from '@trikd/core/async/within';
import type { Dataset } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Role, TrainedRole } from '@trikd/core/domain/position';
import type { Blob } from '@trikd/core/domain/role-checkpoint';
import type { Agreement, LogitsFrame } from '@trikd/core/exchange/frame';
import { createFrameWindow } from '@trikd/core/exchange/frame-window';
import type { Params } from '@trikd/core/models/params';
import type { FrozenScores } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { consumersOf, isInStore, isRemote, type LoadedFrozen, type Stage } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import type { StepListener } from '@trikd/core/timing/moments';
import type { FrozenAssignment } from '@trikd/core/training/assignment';
import { type AnsweringModel, type FrozenModel, normalisedFor } from '@trikd/core/training/frozen';
import { stagePlan } from '@trikd/core/training/stage-plan';
import { faultPoint } from '@trikd/process/fault-points';
import type { Logger } from '@trikd/process/logging';
import { processPauses } from '@trikd/process/system-clock';
import { type StepMemory, type StepRecorder, stamped } from '@trikd/telemetry/step-recorder';
import { agreementOf } from '../exchange-source.js';
import { readNoWeights } from '../weights.js';
import type { AnchorParts } from './anchor-parts.js';
import { openRemote } from './open-remote.js';
import { storedParams } from './stored-params.js';

export interface AnchorFacts {
  readonly datasetDigest: string;
  /** Of each frozen model that this process computes, by name. */
  readonly scores: Readonly<Record<string, FrozenScores>>;
  /** SHA-256 of the files that params were read from, by name of the model. */
  readonly files: Readonly<Record<string, string>>;
}

/** The frozen models of a stage, open, and their frames. */
export interface AnchorServing {
  readonly assignment: FrozenAssignment;
  readonly facts: AnchorFacts;
  readonly agreement: Agreement;
  /** By name. */
  readonly models: ReadonlyMap<string, ServedModel>;
  /** Ends all streams with `reason`, then closes the models. Does not wait for clients. */
  close(reason: TrikdError): Promise<void>;
}

/**
 * Loads, verifies and scores the frozen models of a stage, and computes frames ahead for the trainers that consume them. A model of another
 * server is asked for its first logits instead.
 * @param signal abandons the load: at once while it waits, otherwise when a model is open or has scored a split
 * @throws TrikdError 'invalid', 'not-found' (data, or a model of another server), 'corrupt' and 'unavailable' for what the assignment refers
 * to, 'wrong-state' for a server that answers something else than logits; the reason of the signal. The models are then closed.
 */
export async function openServing(
  parts: AnchorParts & { readonly steps: StepMemory },
  assignment: FrozenAssignment,
  signal: AbortSignal,
): Promise<AnchorServing> {
  const { start, spec, params } = assignment;
  const { step: firstStep, ...attempt } = start;
  const stage = servedStage(assignment);
  const dataset = await orAborted(parts.loadDataset(spec), signal);
  const { totalSteps } = stagePlan(stage, spec.batchSize, dataset.train.count);
  if (firstStep > totalSteps) {
    throw new TrikdError('invalid', `step ${firstStep} is beyond the ${totalSteps} steps of a stage`);
  }
  const ended = new AbortController();
  const log = parts.log.child({ ...attempt, role: 'anchor' });
  let recorder: StepRecorder | undefined;
  const open: OpenModel[] = [];
  const files = new Map<string, string>();
  try {
    for (const frozen of stage.frozen) {
      const { name } = frozen;
      if (isRemote(frozen)) {
        const context = {
          ...{ assignment, dataset, totalSteps, log: log.child({ participant: name }) },
          called: (step: number, ms: number) => recorder?.called(step, name, ms),
        };
        const model = await openRemote(parts, frozen, context, AbortSignal.any([signal, ended.signal]));
        open.push({ name, model });
        // An answer that cannot be used is told before anybody trains.
        if (consumersOf(stage, name).length > 0 && firstStep < totalSteps) await model.logits(firstStep);
        continue;
      }
      const { values, key, file } = await paramsOf(parts, frozen, { spec, dataset, blob: params[name] }, signal);
      if (file !== undefined) files.set(name, file);
      open.push(
        await openModel(
          name,
          parts.openFrozen(spec, normalisedFor(dataset, frozen), frozen.model, values, attempt),
          signal,
        ),
      );
      faultPoint('anchor.verified', () => ({ ...start, role: 'anchor', key }));
    }
  } catch (error) {
    ended.abort(error);
    for (const { model } of open) await model.close();
    throw error;
  }
  const recording = parts.steps.begin(attempt, 'anchor', assignment.tracing);
  recorder = recording;
  const recorded = stage.frozen.find(({ name }) => consumersOf(stage, name).length > 0)?.name;
  const served = open.map((each) => {
    const { name } = each;
    const listen = name === recorded ? { listen: recording.listen } : {};
    const consumers = consumersOf(stage, name);
    return serveModel(each, {
      assignment,
      totalSteps,
      consumers,
      recorder: recording,
      log: log.child({ participant: name }),
      ...listen,
    });
  });
  return {
    assignment,
    facts: {
      datasetDigest: dataset.digest,
      scores: Object.fromEntries(served.flatMap(({ name, scores }) => (scores ? [[name, scores] as const] : []))),
      files: Object.fromEntries(files),
    },
    agreement: agreementOf(spec, dataset),
    models: new Map(served.map((each) => [each.name, each])),
    close: async (reason) => {
      const closed = served.map((each) => each.close(reason));
      // A server that does not answer must not hold it up.
      ended.abort(reason);
      await Promise.all(closed);
    },
  };
}

/** The params of a frozen model, from the store or from a file, whose digest is returned with them. */
async function paramsOf(
  parts: AnchorParts,
  { name, model, from }: LoadedFrozen,
  { spec, dataset, blob }: { readonly spec: RunSpec; readonly dataset: Dataset; readonly blob: Blob | undefined },
  signal: AbortSignal,
): Promise<{ readonly values: Params; readonly key: string; readonly file?: string }> {
  if (from !== 'promoted' && from.kind === 'file') {
    const read = (parts.readWeights ?? readNoWeights)(from, { spec, dataset, model });
    const { params, sha256 } = await orAborted(read, signal);
    return { values: params, key: from.file, file: sha256 };
  }
  if (!blob) throw new TrikdError('invalid', `the assignment has no params of ${name}`);
  return { values: await storedParams(parts, blob, signal), key: blob.key };
}

/** The stage of an assignment. @throws TrikdError 'invalid' when it has not the params of exactly the frozen models that are in the store */
function servedStage({ start, spec, params }: FrozenAssignment): Stage {
  const named = Object.keys(params).sort();
  const found = [true, false]
    .map((promoted) => stageAt(spec, start.stage, promoted))
    .find(
      ({ frozen }) =>
        frozen
          .filter(isInStore)
          .map(({ name }) => name)
          .toSorted()
          .join() === named.join(),
    );
  if (found && found.frozen.length > 0) return found;
  throw new TrikdError('invalid', `stage ${start.stage} has other frozen models than ${named.join(', ') || 'none'}`);
}

/** One frozen model of a stage, open. */
interface OpenModel {
  /** Its name in the stage. */
  readonly name: string;
  readonly model: AnsweringModel;
  /** Absent for a model of another server: scoring it would send it both splits. */
  readonly scores?: FrozenScores;
}

/** A frozen model and its frames. */
interface ServedModel extends OpenModel {
  /** Frames from any step on. Those that have left the window are computed again, bit for bit. */
  frames(consumer: Role, fromStep: number, signal: AbortSignal): AsyncGenerator<LogitsFrame, void>;
  /** Ends all streams with `reason`, then closes the model. Does not wait for clients. */
  close(reason: TrikdError): Promise<void>;
}

/** What the frames of a model are made with. */
export interface ServingParts {
  readonly assignment: FrozenAssignment;
  readonly totalSteps: number;
  /** The trainers that need its frames. */
  readonly consumers: readonly TrainedRole[];
  readonly recorder: StepRecorder;
  /** Receives the moments of its steps; one model of a stage is enough to show where the time of the process goes. */
  readonly listen?: StepListener;
  readonly log: Logger;
}

/** Opens and scores a model, which also warms it up before it is served. @param signal abandons it between two splits */
async function openModel(name: string, opening: Promise<FrozenModel>, signal: AbortSignal): Promise<OpenModel> {
  const model = await opening;
  try {
    signal.throwIfAborted();
    const validation = await model.evaluate('validation', processPauses);
    signal.throwIfAborted();
    const test = await model.evaluate('test', processPauses);
    signal.throwIfAborted();
    return { name, model, scores: { validation, test } };
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** Computes the frames of a model ahead for the trainers that consume them. */
function serveModel(open: OpenModel, parts: ServingParts): ServedModel {
  const { name, model } = open;
  const { assignment, totalSteps, consumers, recorder, listen, log } = parts;
  const { step: firstStep, ...attempt } = assignment.start;
  const window = createFrameWindow({ attempt, firstStep, size: assignment.spec.exchange.window, consumers });
  // The model reuses its buffers: one step at a time.
  const work = createSerial();
  let closing: TrikdError | undefined;

  const logits = async (step: number, steps?: StepListener): Promise<LogitsFrame> => {
    if (closing) throw closing;
    return stamped(await work.run(() => model.logits(step, steps)), recorder);
  };
  const produce = async () => {
    try {
      for (let step = firstStep; step < totalSteps; step++) {
        const frame = await logits(step, listen);
        faultPoint('frame.publishing', () => ({ ...attempt, step, role: 'anchor' }));
        listen?.(step, 'publish');
        await window.publish(frame);
        listen?.(step, 'done');
      }
      window.close();
    } catch (error) {
      if (closing) return;
      recorder.failed(error);
      log.error({ err: error, step: window.nextStep, ...recorder.idsOf(window.nextStep) }, 'frozen model failed');
      const why = error instanceof TrikdError ? error.message : 'its log says why';
      window.close(new TrikdError('out-of-step', `the ${name} gave up: ${why}`, {}, { cause: error }));
    }
  };
  // Without consumers the window never fills, and the producer would never wait.
  const produced = consumers.length > 0 ? produce() : Promise.resolve();

  return {
    ...open,
    async *frames(consumer, fromStep, signal) {
      let step = fromStep;
      // A consumer that has lost its connection may have received less than was sent. Meanwhile the window does not move
      // on without it, so this loop ends.
      for (; step < window.oldestStep && !signal.aborted; step++) yield await logits(step);
      if (!signal.aborted) yield* window.frames(consumer, step, signal);
    },
    async close(reason) {
      closing ??= reason;
      window.close(reason);
      await produced;
      await work.idle();
      await model.close();
    },
  };
}
