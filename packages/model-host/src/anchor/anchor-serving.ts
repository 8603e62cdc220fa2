import { orAborted } from '@trikd/core/async/or-aborted';
import type { Dataset } from '@trikd/core/data/split';
import type { Blob } from '@trikd/core/domain/blob';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Agreement } from '@trikd/core/exchange/frame';
import type { Params } from '@trikd/core/models/params';
import type { FrozenScores } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { consumersOf, isInStore, isRemote, type LoadedFrozen, type Stage } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import type { FrozenAssignment } from '@trikd/core/training/assignment';
import { normalisedFor } from '@trikd/core/training/frozen';
import { generationPlan } from '@trikd/core/training/generation-plan';
import { faultPoint } from '@trikd/process/fault-points';
import type { StepMemory } from '@trikd/telemetry/step-memory';
import type { StepRecorder } from '@trikd/telemetry/step-recorder';
import { agreementOf } from '../exchange/agreement-of.js';
import { readNoWeights } from '../weights/weights-reader.js';
import type { AnchorParts } from './anchor-parts.js';
import { openRemote } from './open-remote.js';
import { type OpenModel, openModel, type ServedModel, serveModel } from './served-model.js';
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
  const { totalSteps } = generationPlan(stage, spec.batchSize, dataset.train.count);
  if (firstStep > totalSteps) {
    throw new TrikdError('invalid', `step ${firstStep} is beyond the ${totalSteps} steps of a generation`);
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
    .map((promoted) => stageAt(spec, start.generation, promoted))
    .find(
      ({ frozen }) =>
        frozen
          .filter(isInStore)
          .map(({ name }) => name)
          .toSorted()
          .join() === named.join(),
    );
  if (found && found.frozen.length > 0) return found;
  throw new TrikdError(
    'invalid',
    `stage ${start.generation} has other frozen models than ${named.join(', ') || 'none'}`,
  );
}
