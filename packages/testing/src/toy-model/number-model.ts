import { makeBatch } from '@trikd/core/data/batch';
import type { Dataset } from '@trikd/core/data/split';
import { type Role, type StageAttempt } from '@trikd/core/domain/position';
import { checkFrame } from '@trikd/core/exchange/check-frame';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { formatOf } from '@trikd/core/exchange/frame';
import { toSent } from '@trikd/core/exchange/sent-logits';
import type { Params } from '@trikd/core/models/params';
import type { ModelSpec } from '@trikd/core/models/registry';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { learnerOf, sourcesOf } from '@trikd/core/stages/stage';
import type { TrainingStart } from '@trikd/core/training/assignment';
import type { FrozenModel } from '@trikd/core/training/frozen';
import type { TrainerPorts } from '@trikd/core/training/ports';
import { stagePlan } from '@trikd/core/training/stage-plan';

// A model of one number in the place of the training loop, to test services without engine or loop: each frame that it receives moves
// the number, so a frame that is lost, doubled or swapped changes the result, and the first logit of a frame names the params that it
// was computed with. The toy of `toy-sessions.ts` stands below the loop instead, in the place of the engine.

export const paramsOf = (value: number): Params =>
  new Map([['value', { dtype: 'float32', shape: [1], data: Float32Array.of(value) }]]);

const numberIn = (params: Params): number => params.get('value')!.data[0]!;

const score = (value: number) => ({ metrics: { accuracy: 0.5, nll: Math.abs(value) }, examples: 64 });

function frame(spec: RunSpec, dataset: Dataset, attempt: StageAttempt, step: number, value: number): LogitsFrame {
  const [rows, cols] = [spec.batchSize, dataset.classes];
  const data = Float32Array.from({ length: rows * cols }, (_, i) => Math.fround(value + i));
  const batchDigest = makeBatch(dataset, spec, attempt.stage, step).digest;
  const logits = toSent({ rows, cols, data }, formatOf(spec, cols), 'the model of one number');
  return { position: { ...attempt, step }, batchDigest, logits };
}

/** Uses all ports as the real loop does. It fails at step `failAt`. */
export const numberTrainer =
  (failAt = Number.POSITIVE_INFINITY) =>
  async ({ spec, stage, role, attempt, startStep, resume }: TrainingStart, dataset: Dataset, ports: TrainerPorts) => {
    const { totalSteps } = stagePlan(stage, spec.batchSize, dataset.train.count);
    let value = resume ? numberIn(resume.state) : role === 'teacher' ? 1 : 2;
    const rest = async (step: number) => {
      const state = await ports.save(paramsOf(value));
      ports.emit({ kind: 'evaluation', step, validation: score(value) });
      ports.emit({
        kind: 'checkpoint',
        checkpoint: { step, state, best: { step, validation: score(value), params: state } },
      });
      ports.emit({ kind: 'resting', nextStep: step });
    };
    const checkpoint = async (step: number) => {
      const state = await ports.save(paramsOf(value));
      ports.emit({ kind: 'checkpoint', checkpoint: { step, state } });
    };
    for (let step = startStep; step < totalSteps; step++) {
      if (step >= ports.limit.value) await rest(step);
      while (step >= ports.limit.value) await ports.limit.changed(ports.limit.value);
      if (step >= failAt) throw new Error(`broken at step ${step}`);
      ports.steps?.(step, 'forward');
      const mine = frame(spec, dataset, attempt, step, value);
      ports.steps?.(step, 'publish');
      await ports.publish(mine);
      for (const source of sourcesOf(stage, learnerOf(stage, role))) {
        const isFrozen = stage.frozen.some(({ name }) => name === source);
        ports.steps?.(step, isFrozen ? 'await-anchor' : 'await-peer');
        const next = await ports.frames[source]?.next();
        if (!next || next.done) throw new Error(`no frame of the ${source}`);
        const { rows, cols } = mine.logits;
        const [first] = checkFrame(next.value, { ...mine, rows, cols, format: formatOf(spec, cols) }, source);
        value = Math.fround(value * 0.75 + first! * 0.25 + 0.001 * step);
      }
      ports.steps?.(step, 'done');
      const waits = {};
      const terms = [{ part: 'task' as const, value }];
      ports.emit({
        kind: 'progress',
        progress: {
          nextStep: step + 1,
          terms,
          waits,
          batchMetrics: { accuracy: 0 },
          gradientNorm: 1,
          learningRate: 1,
          stepsPerSecond: 1,
        },
      });
      if (ports.savesAt(step + 1)) await checkpoint(step + 1);
    }
    await rest(totalSteps);
  };

/** An anchor whose frames depend on its params and the step. `closed` is called when its model is closed. */
export const numberAnchor =
  (closed: (role: Role) => void = () => undefined) =>
  async (
    spec: RunSpec,
    dataset: Dataset,
    _model: ModelSpec,
    params: Params,
    attempt: StageAttempt,
  ): Promise<FrozenModel> => ({
    logits: async (step, steps) => {
      steps?.(step, 'forward');
      return frame(spec, dataset, attempt, step, Math.fround(numberIn(params) + step));
    },
    evaluate: async () => score(numberIn(params)),
    close: async () => closed('anchor'),
  });
