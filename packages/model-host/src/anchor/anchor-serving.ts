import { orAborted } from '@trikd/core/async/or-aborted';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Agreement } from '@trikd/core/exchange/frame';
import type { FrozenScores } from '@trikd/core/run/state';
import { consumersOf, type Stage } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import type { FrozenAssignment } from '@trikd/core/training/assignment';
import { generationPlan } from '@trikd/core/training/generation-plan';
import { faultPoint } from '@trikd/process/fault-points';
import type { StepMemory } from '@trikd/telemetry/step-memory';
import { agreementOf } from '../exchange/agreement-of.js';
import type { AnchorParts } from './anchor-parts.js';
import { type OpenModel, openModel, type ServedModel, serveModel } from './served-model.js';
import { storedParams } from './stored-params.js';

export interface AnchorFacts {
  readonly datasetDigest: string;
  /** Of each frozen model, by name. */
  readonly scores: Readonly<Record<string, FrozenScores>>;
}

/** The frozen models of a stage, loaded, and their frames. */
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
 * Loads, verifies and scores the frozen models of a stage, and computes frames ahead for the trainers that consume them.
 * @param signal abandons the load: at once while it waits, otherwise when a model is open or has scored a split
 * @throws TrikdError 'invalid', 'not-found' (data), 'corrupt' and 'unavailable' for what the assignment refers to; the
 * reason of the signal. The models are then closed.
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
  const open: OpenModel[] = [];
  try {
    for (const { name, model } of stage.frozen) {
      const blob = params[name]!;
      const stored = await storedParams(parts, blob, signal);
      open.push(await openModel(name, parts.openFrozen(spec, dataset, model, stored, attempt), signal));
      faultPoint('anchor.verified', () => ({ ...start, role: 'anchor', key: blob.key }));
    }
  } catch (error) {
    for (const { model } of open) await model.close();
    throw error;
  }
  const recorder = parts.steps.begin(attempt, 'anchor', assignment.tracing);
  const log = parts.log.child({ ...attempt, role: 'anchor' });
  const recorded = stage.frozen.find(({ name }) => consumersOf(stage, name).length > 0)?.name;
  const served = open.map((each) => {
    const { name } = each;
    const listen = name === recorded ? { listen: recorder.listen } : {};
    const consumers = consumersOf(stage, name);
    return serveModel(each, {
      assignment,
      totalSteps,
      consumers,
      recorder,
      log: log.child({ participant: name }),
      ...listen,
    });
  });
  return {
    assignment,
    facts: {
      datasetDigest: dataset.digest,
      scores: Object.fromEntries(served.map(({ name, scores }) => [name, scores])),
    },
    agreement: agreementOf(spec, dataset),
    models: new Map(served.map((each) => [each.name, each])),
    close: async (reason) => {
      await Promise.all(served.map((each) => each.close(reason)));
    },
  };
}

/** The stage of an assignment. @throws TrikdError 'invalid' when it has not the params of exactly the frozen models of the stage */
function servedStage({ start, spec, params }: FrozenAssignment): Stage {
  const named = Object.keys(params).sort();
  const found = [true, false]
    .map((promoted) => stageAt(spec, start.generation, promoted))
    .find(
      ({ frozen }) =>
        frozen
          .map(({ name }) => name)
          .toSorted()
          .join() === named.join(),
    );
  if (found && named.length > 0) return found;
  throw new TrikdError(
    'invalid',
    `stage ${start.generation} has other frozen models than ${named.join(', ') || 'none'}`,
  );
}
