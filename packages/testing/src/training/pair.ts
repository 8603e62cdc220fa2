import type { Dataset } from '@trikd/core/data/split';
import { TrikdError } from '@trikd/core/domain/errors';
import { peerOf, type Role, type StageAttempt, type TrainedRole } from '@trikd/core/domain/position';
import type { Blob, RoleCheckpoint } from '@trikd/core/domain/role-checkpoint';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import { createFrameWindow } from '@trikd/core/exchange/frame-window';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { consumersOf, learnerOf } from '@trikd/core/stages/stage';
import { stageAt } from '@trikd/core/stages/stages-of';
import { type FrozenModel, openFrozen } from '@trikd/core/training/frozen';
import type { TrainerEvent, TrainerPorts } from '@trikd/core/training/ports';
import { createStepLimit } from '@trikd/core/training/step-limit';
import { trainStage } from '@trikd/core/training/trainer';
import { virtualClock } from '../clock/virtual-clock.js';

const ROLES = ['teacher', 'student'] as const;

export interface PairStart {
  readonly spec: RunSpec;
  readonly dataset: Dataset;
  readonly blobs: Pick<TrainerPorts, 'save' | 'load'>;
  readonly stage: number;
  readonly limit?: number;
  /** Steps at which checkpoints are asked for. */
  readonly savesAt?: readonly number[];
  readonly anchor?: Blob;
  /** The step whose frame of the anchor a role does not get any more. */
  readonly anchorGone?: Readonly<Record<TrainedRole, number>>;
  /** Checkpoints of both roles at one step. */
  readonly from?: Readonly<Record<TrainedRole, RoleCheckpoint>>;
}

/** Two trainers, and an anchor if there is one, that exchange frames in memory. */
export interface Pair {
  readonly events: readonly (readonly [TrainedRole, TrainerEvent])[];
  /** The newest checkpoint of both. */
  checkpoints(): Readonly<Record<TrainedRole, RoleCheckpoint>>;
  /** Resolves when both rest before `step`. */
  resting(step: number): Promise<void>;
  moveLimit(step: number): void;
  /** Resolves when both have trained everything; rejects with the first error. */
  readonly ended: Promise<void>;
  /** Why they ended, each for itself. */
  readonly failures: Promise<readonly unknown[]>;
  /** Gives the attempt up. Resolves when both trainers have settled. */
  abandon(reason: Error): Promise<void>;
}

export async function startPair(start: PairStart): Promise<Pair> {
  const { spec, dataset, blobs, stage: stageIndex, from } = start;
  const attempt: StageAttempt = { runId: spec.name, stage: stageIndex, attempt: from ? 2 : 1 };
  const stage = stageAt(spec, stageIndex, start.anchor !== undefined);
  const firstStep = from?.student.step ?? 0;
  const window = (role: Role) =>
    createFrameWindow({
      attempt,
      firstStep,
      size: spec.exchange.window,
      consumers: consumersOf(stage, role),
    });
  const windows = { teacher: window('teacher'), student: window('student'), anchor: window('anchor') };
  const limit = createStepLimit(start.limit ?? Number.POSITIVE_INFINITY);
  const abort = new AbortController();
  const events: [TrainedRole, TrainerEvent][] = [];
  let said = () => {};

  const train = async (role: TrainedRole) => {
    const ports: TrainerPorts = {
      ...blobs,
      frames: {
        anchor: until(windows.anchor.frames(role, firstStep), start.anchorGone?.[role]),
        [peerOf(role)]: windows[peerOf(role)].frames(role, firstStep),
      },
      publish: (frame) => windows[role].publish(frame),
      limit,
      emit: (event) => {
        events.push([role, event]);
        said();
      },
      savesAt: (step) => start.savesAt?.includes(step) ?? false,
      clock: virtualClock(),
      signal: abort.signal,
    };
    const checkpoint = from?.[role];
    const state = checkpoint && (await blobs.load(checkpoint.state));
    const resume = state && { state, ...(checkpoint.best && { best: checkpoint.best }) };
    try {
      await trainStage({ role, spec, stage, attempt, startStep: firstStep, ...(resume && { resume }) }, dataset, ports);
    } catch (error) {
      windows[role].close(new TrikdError('out-of-step', `the ${role} gave up`, {}, { cause: error }));
      throw error;
    }
  };

  const model =
    start.anchor &&
    (await openFrozen(spec, dataset, learnerOf(stage, 'student').model, await blobs.load(start.anchor), attempt));
  const training = ROLES.map(train);
  const producing = model ? produce(model, firstStep, windows.anchor) : Promise.resolve();
  const settled = Promise.allSettled([...training, producing]).then(() => model?.close());
  const ended = Promise.all(training).then(() => windows.anchor.close());
  // After an abandonment only `settled` is awaited.
  ended.catch(() => {});

  return {
    events,
    ended,
    failures: Promise.all(training.map((each) => each.catch((error: unknown) => error))),
    checkpoints: () => ({ teacher: newest(events, 'teacher'), student: newest(events, 'student') }),
    async resting(step) {
      const rests = (role: TrainedRole) =>
        events.some(([who, event]) => who === role && event.kind === 'resting' && event.nextStep === step);
      while (!ROLES.every(rests)) {
        const more = new Promise<void>((resolve) => {
          said = resolve;
        });
        await Promise.race([more, ended]);
      }
    },
    moveLimit: (step) => limit.move(step),
    async abandon(reason) {
      abort.abort(reason);
      limit.abandon(reason);
      for (const each of Object.values(windows)) each.close();
      await settled;
    },
  };
}

/** Answers step after step until the window is closed. */
async function produce(model: FrozenModel, firstStep: number, window: ReturnType<typeof createFrameWindow>) {
  for (let step = firstStep; ; step++) await window.publish(await model.logits(step));
}

/** Frames up to a step, and then an unreachable producer. */
async function* until(
  frames: AsyncIterable<LogitsFrame>,
  end = Number.POSITIVE_INFINITY,
): AsyncGenerator<LogitsFrame, void> {
  for await (const frame of frames) {
    if (frame.position.step >= end) throw new TrikdError('unavailable', `the anchor is gone before step ${end}`);
    yield frame;
  }
}

function newest(events: Pair['events'], role: TrainedRole): RoleCheckpoint {
  const checkpoint = events.findLast(([who, event]) => who === role && event.kind === 'checkpoint')?.[1];
  if (checkpoint?.kind !== 'checkpoint') throw new TypeError(`the ${role} has no checkpoint`);
  return checkpoint.checkpoint;
}
