import { makeBatch } from '@trikd/core/data/batch';
import type { Dataset } from '@trikd/core/data/split';
import type { StageAttempt } from '@trikd/core/domain/position';
import { formatOf, type LogitsFrame } from '@trikd/core/exchange/frame';
import { toSent } from '@trikd/core/exchange/sent-logits';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { type Learner, type LoadedFrozen, type Stage, sourcesOf } from '@trikd/core/stages/stage';
import { normalisedFor } from '@trikd/core/training/frozen';
import type { TrainerPorts } from '@trikd/core/training/ports';
import { PREDICT, tracePredictor, traceTrainer } from '@trikd/core/training/role-program';
import { stagePlan } from '@trikd/core/training/stage-plan';
import { createStallWatch } from '@trikd/core/training/stall-watch';
import { createStepLimit } from '@trikd/core/training/step-limit';
import { trainStep } from '@trikd/core/training/train-step';
import { Engine, type Program, type Session, type TracedOp } from '@trikd/engine';
import { systemClock } from '@trikd/process/system-clock';

/** A step of one participant. */
export interface ProfiledStep {
  /** Milliseconds, without making the batch. */
  readonly ms: number;
  readonly ops: readonly TracedOp[];
}

/** A participant with fresh params, alone in its session. */
export interface ProfiledModel {
  readonly name: string;
  readonly program: Program;
  step(index: number): Promise<ProfiledStep>;
  close(): Promise<void>;
}

/** What the participants of a stage have in common. */
export interface ProfiledStage {
  readonly spec: RunSpec;
  readonly stage: Stage;
  readonly dataset: Dataset;
}

/**
 * A model in training. In the place of the logits of others, it gets zeros of the same shape. Replicas are profiled as one, with the whole
 * batch: alone, one would wait for the others.
 */
export async function openLearner(
  { spec, stage, dataset }: ProfiledStage,
  { replicas: _, ...learner }: Learner,
): Promise<ProfiledModel> {
  const program = traceTrainer({ spec, dataset }, stage, learner);
  const session = await (await Engine.open(spec.engine)).load(program);
  const attempt: StageAttempt = { runId: spec.name, stage: stage.index, attempt: 1 };
  const plan = stagePlan(stage, spec.batchSize, dataset.train.count);
  const logits = { rows: spec.batchSize, cols: dataset.classes };
  const format = formatOf(spec, dataset.classes);
  let frame: LogitsFrame | undefined;
  const frames: AsyncIterator<LogitsFrame> = { next: async () => ({ done: false, value: frame! }) };
  const ports = detachedPorts(Object.fromEntries(sourcesOf(stage, learner).map((source) => [source, frames])));
  const stalls = createStallWatch(ports, spec.exchange.stepTimeout);
  let ops: readonly TracedOp[] = [];
  const profiled = withProfile(session, (traced) => {
    ops = traced;
  });
  const context = { spec, stage, learner, attempt, dataset, session: profiled, plan, ports, stalls };
  return {
    name: learner.name,
    program,
    async step(index) {
      // A profile may have more steps than a short stage.
      const step = index % plan.totalSteps;
      const batch = makeBatch(dataset, spec, stage.index, step);
      const data = new Float32Array(logits.rows * logits.cols);
      frame = {
        position: { ...attempt, step },
        batchDigest: batch.digest,
        logits: toSent({ ...logits, data }, format, learner.name),
      };
      const ms = await timed(() => trainStep(context, batch, () => undefined));
      return { ms, ops };
    },
    async close() {
      stalls.end();
      await session.close();
    },
  };
}

/** A model that answers. */
export async function openFrozen(
  { spec, stage, dataset }: ProfiledStage,
  frozen: LoadedFrozen,
): Promise<ProfiledModel> {
  const program = tracePredictor({ spec, dataset: normalisedFor(dataset, frozen) }, frozen.model);
  const session = await (await Engine.open(spec.engine)).load(program);
  return {
    name: frozen.name,
    program,
    async step(index) {
      const { images } = makeBatch(dataset, spec, stage.index, index);
      let ops: readonly TracedOp[] = [];
      const ms = await timed(async () => {
        ({ ops } = await session.profile(PREDICT, { images }));
      });
      return { ms, ops };
    },
    close: () => session.close(),
  };
}

/** A session whose functions are traced when they run. */
function withProfile(session: Session, traced: (ops: readonly TracedOp[]) => void) {
  return {
    async run(...call: Parameters<Session['run']>) {
      const { outputs, ops } = await session.profile(...call);
      traced(ops);
      return outputs;
    },
    take: (port: string) => session.take(port),
    put: (port: string, values: Float32Array) => session.put(port, values),
    state: (kinds?: Parameters<Session['state']>[0]) => session.state(kinds),
    assign: (state: Parameters<Session['assign']>[0]) => session.assign(state),
    close: () => session.close(),
  };
}

/** The ports of a trainer that nobody listens to, and that stores nothing. */
function detachedPorts(frames: TrainerPorts['frames']): TrainerPorts {
  const unused = () => Promise.reject(new Error('a profiled model has no store'));
  return {
    frames,
    publish: async () => undefined,
    limit: createStepLimit(Number.POSITIVE_INFINITY),
    savesAt: () => false,
    save: unused,
    load: unused,
    emit: () => undefined,
    clock: systemClock,
    signal: new AbortController().signal,
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
