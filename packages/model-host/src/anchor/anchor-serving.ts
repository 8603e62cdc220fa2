import { orAborted } from '@trikd/core/async/or-aborted';
import { createSerial } from '@trikd/core/async/serial';
import type { Dataset } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Role } from '@trikd/core/domain/role';
import type { Score } from '@trikd/core/domain/score';
import { consumersOf } from '@trikd/core/exchange/consumers';
import type { Agreement, LogitsFrame } from '@trikd/core/exchange/frame';
import { createFrameWindow } from '@trikd/core/exchange/frame-window';
import type { StepListener } from '@trikd/core/timing/moments';
import type { AnchorModel } from '@trikd/core/training/anchor';
import type { AnchorAssignment } from '@trikd/core/training/assignment';
import { generationPlan } from '@trikd/core/training/generation-plan';
import { faultPoint } from '@trikd/process/fault-points';
import type { StepMemory } from '@trikd/telemetry/step-memory';
import { stamped } from '@trikd/telemetry/traced-ports';
import { agreementOf } from '../exchange/agreement-of.js';
import type { AnchorParts } from './anchor-parts.js';
import { storedParams } from './stored-params.js';

export interface AnchorFacts {
  readonly datasetDigest: string;
  readonly validation: Score;
  readonly test: Score;
}

/** A loaded anchor and its frames. */
export interface AnchorServing {
  readonly assignment: AnchorAssignment;
  readonly facts: AnchorFacts;
  readonly agreement: Agreement;
  /** Frames from any step on. Those that have left the window are computed again, bit for bit. */
  frames(consumer: Role, fromStep: number, signal: AbortSignal): AsyncGenerator<LogitsFrame, void>;
  /** Ends all streams with `reason`, then closes the model. Does not wait for clients. */
  close(reason: TrikdError): Promise<void>;
}

/**
 * Loads, verifies and scores an anchor, and computes frames ahead for the trainers that consume them.
 * @param signal abandons the load: at once while it waits, otherwise when the model is open or has scored a split
 * @throws TrikdError 'invalid', 'not-found' (data), 'corrupt' and 'unavailable' for what the assignment refers to; the
 * reason of the signal. The model is then closed.
 */
export async function openServing(
  parts: AnchorParts & { readonly steps: StepMemory },
  assignment: AnchorAssignment,
  signal: AbortSignal,
): Promise<AnchorServing> {
  const { start, spec } = assignment;
  const { step: firstStep, ...attempt } = start;
  const dataset = await orAborted(parts.loadDataset(spec), signal);
  const { totalSteps } = generationPlan(spec, dataset.train.count);
  if (firstStep > totalSteps) {
    throw new TrikdError('invalid', `step ${firstStep} is beyond the ${totalSteps} steps of a generation`);
  }
  const params = await storedParams(parts, assignment.params, signal);
  const model = await parts.openAnchor(spec, dataset, params, attempt);
  const facts = await factsOf(model, dataset, signal);
  faultPoint('anchor.verified', () => ({ ...start, role: 'anchor', key: assignment.params.key }));
  const consumers = consumersOf(spec, 'anchor', attempt.generation);
  const window = createFrameWindow({ attempt, firstStep, size: spec.exchange.window, consumers });
  const recorder = parts.steps.begin(attempt, 'anchor', assignment.tracing);
  // The model reuses its buffers: one step at a time.
  const work = createSerial();
  const log = parts.log.child({ ...attempt, role: 'anchor' });
  let closing: TrikdError | undefined;

  const logits = async (step: number, steps?: StepListener): Promise<LogitsFrame> => {
    if (closing) throw closing;
    return stamped(await work.run(() => model.logits(step, steps)), recorder);
  };
  const produce = async () => {
    try {
      for (let step = firstStep; step < totalSteps; step++) {
        const frame = await logits(step, recorder.listen);
        faultPoint('frame.publishing', () => ({ ...attempt, step, role: 'anchor' }));
        recorder.listen(step, 'publish');
        await window.publish(frame);
        recorder.listen(step, 'done');
      }
      window.close();
    } catch (error) {
      if (closing) return;
      recorder.failed(error);
      log.error({ err: error, step: window.nextStep, ...recorder.idsOf(window.nextStep) }, 'anchor failed');
      window.close(new TrikdError('out-of-step', 'the anchor gave up: its log says why', {}, { cause: error }));
    }
  };
  // Without consumers the window never fills, and the producer would never wait.
  const produced = consumers.length > 0 ? produce() : Promise.resolve();

  return {
    assignment,
    facts,
    agreement: agreementOf(spec, dataset),
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

/** Scores both splits, which also warms the model up before it is served. */
async function factsOf(model: AnchorModel, dataset: Dataset, signal: AbortSignal): Promise<AnchorFacts> {
  try {
    signal.throwIfAborted();
    const validation = await model.evaluate('validation');
    signal.throwIfAborted();
    const test = await model.evaluate('test');
    signal.throwIfAborted();
    return { datasetDigest: dataset.digest, validation, test };
  } catch (error) {
    await model.close();
    throw error;
  }
}
