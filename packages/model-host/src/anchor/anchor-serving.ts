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
import { generationPlan } from '@trikd/core/training/generation-plan';
import { reach } from '@trikd/process/points';
import type { StepMemory } from '@trikd/telemetry/step-memory';
import { stamped } from '@trikd/telemetry/traced-ports';
import { agreementOf } from '../exchange/agreement-of.js';
import type { AnchorAssignment, AnchorParts } from './anchor-parts.js';
import { storedParams } from './stored-params.js';

export interface AnchorFacts {
  readonly datasetDigest: string;
  readonly validation: Score;
  readonly test: Score;
}

/** One loaded anchor and its frames. */
export interface AnchorServing {
  readonly assignment: AnchorAssignment;
  readonly facts: AnchorFacts;
  readonly agreement: Agreement;
  /** Frames from any step on: what has left the window is computed again, bit for bit. */
  frames(consumer: Role, fromStep: number, signal: AbortSignal): AsyncGenerator<LogitsFrame, void>;
  /** Ends all streams by `reason`, and lets go of the model as soon as it computes nothing; no client can hold that up. */
  close(reason: TrikdError): Promise<void>;
}

/**
 * Loads, verifies and scores an anchor, and computes frames ahead for the trainers that hear it.
 * @param signal gives it up: at once while something is waited for, else as soon as the model has been opened or has scored a split
 * @throws TrikdError 'invalid', 'not-found' (data), 'corrupt' and 'unavailable' for what it was given; the reason of the signal.
 * Nothing of it is left open then.
 */
export async function openServing(
  parts: AnchorParts & { readonly steps: StepMemory },
  assignment: AnchorAssignment,
  signal: AbortSignal,
): Promise<AnchorServing> {
  const { start, spec } = assignment;
  const { step: firstStep, ...attempt } = start;
  const dataset = await orAborted(parts.loadDataset(spec), signal);
  const params = await storedParams(parts, assignment.params, signal);
  const model = await parts.openAnchor(spec, dataset, params, attempt);
  const facts = await factsOf(model, dataset, signal);
  reach('anchor.verified', () => ({ ...start, role: 'anchor', key: assignment.params.key }));
  const { totalSteps } = generationPlan(spec, dataset.train.count);
  const consumers = consumersOf(spec, 'anchor', attempt.generation);
  const window = createFrameWindow({ attempt, firstStep, size: spec.exchange.window, consumers });
  const recorder = parts.steps.begin(attempt, 'anchor', assignment.tracing);
  // A model has one set of buffers.
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
        reach('frame.publishing', () => ({ ...attempt, step, role: 'anchor' }));
        recorder.listen(step, 'publish');
        await window.publish(frame);
        recorder.listen(step, 'done');
      }
      window.close();
    } catch (error) {
      if (closing) return;
      recorder.failed(error);
      log.error({ err: error, step: window.nextStep, ...recorder.idsOf(window.nextStep) }, 'the anchor failed');
      window.close(
        error instanceof TrikdError ? error : new TrikdError('out-of-step', 'the anchor gave up: internal error'),
      );
    }
  };
  // Without a listener nothing would hold the producer back.
  const produced = consumers.length > 0 ? produce() : Promise.resolve();

  return {
    assignment,
    facts,
    agreement: agreementOf(spec, dataset),
    async *frames(consumer, fromStep, signal) {
      let step = fromStep;
      // A consumer whose connection was lost may have received less than was sent. The window waits for it at its old place, so
      // this comes to an end.
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

/** Scoring runs the model over both splits: an anchor that is taken into service is warm. */
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
