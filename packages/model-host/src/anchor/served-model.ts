import { createSerial } from '@trikd/core/async/serial';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Role, TrainedRole } from '@trikd/core/domain/role';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { createFrameWindow } from '@trikd/core/exchange/frame-window';
import type { FrozenScores } from '@trikd/core/run/state';
import type { StepListener } from '@trikd/core/timing/moments';
import type { FrozenAssignment } from '@trikd/core/training/assignment';
import type { AnsweringModel, FrozenModel } from '@trikd/core/training/frozen';
import { faultPoint } from '@trikd/process/fault-points';
import type { Logger } from '@trikd/process/logging';
import { processPauses } from '@trikd/process/process-pauses';
import type { StepRecorder } from '@trikd/telemetry/step-recorder';
import { stamped } from '@trikd/telemetry/traced-ports';

/** One frozen model of a stage, open. */
export interface OpenModel {
  /** Its name in the stage. */
  readonly name: string;
  readonly model: AnsweringModel;
  /** Absent for a model of another server: scoring it would send it both splits. */
  readonly scores?: FrozenScores;
}

/** A frozen model and its frames. */
export interface ServedModel extends OpenModel {
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
export async function openModel(name: string, opening: Promise<FrozenModel>, signal: AbortSignal): Promise<OpenModel> {
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
export function serveModel(open: OpenModel, parts: ServingParts): ServedModel {
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
