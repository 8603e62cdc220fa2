import type { Clock } from '@trikd/core/async/clock';
import { TrikdError } from '@trikd/core/domain/errors';
import type { StageAttempt, TrainedRole } from '@trikd/core/domain/position';
import type { RunTransition } from '@trikd/core/run/advance';
import { currentStage } from '@trikd/core/run/current-stage';
import type { RunEvent } from '@trikd/core/run/run-event';
import type { Training } from '@trikd/core/run/state';
import type { Stage } from '@trikd/core/stages/stage';
import { taskOf } from '@trikd/core/tasks/task-of';
import type { TrainerLink } from '../ports.js';
import { commitPair } from '../training/commit-pair.js';
import { followSteps, type StepSources } from '../training/follow-steps.js';
import { trainingInput } from '../training/training-input.js';
import { trainingLoop } from '../training/training-loop.js';
import { attemptOf, blamePair, type DutyScope } from './scope.js';
import { digestsOf, stageInputs } from './stage-inputs.js';

export interface TrainPorts {
  readonly trainers: Readonly<Record<TrainedRole, TrainerLink>>;
  readonly clock: Clock;
  readonly times: {
    /** Seconds that the second trainer may take to say what the first failed of. */
    readonly grace: number;
    /** Seconds that a drain may take until the last committed pair has to do. */
    readonly drain: number;
  };
  /** Names the process in manifests. */
  readonly writer: string;
  /** The models that report where the time of their steps goes. Default: none. */
  readonly steps?: StepSources;
}

/** Trains a stage from its last pair on, and follows where the time of its steps goes. */
export async function* train(run: DutyScope, ports: TrainPorts, todo: Training): AsyncGenerator<RunTransition> {
  const { spec, store, tracing } = run;
  const stage = currentStage(spec, todo);
  const frozen = digestsOf(await stageInputs({ spec, store }, stage, todo), stage, todo);
  const attempt = attemptOf(spec, todo);
  const over = new AbortController();
  /** Steps to trace: the last one before each pair. */
  const wanted: number[] = [];
  const emit = (event: RunEvent) => {
    if (event.kind === 'pair-committed' && event.step > 0) wanted.push(event.step - 1);
    run.emit(event);
  };
  const trainers = stage.learners.map(({ slot }) => slot);
  const following =
    ports.steps &&
    followSteps(attempt, { trainers, tracing, clock: ports.clock, wanted, emit }, ports.steps, over.signal);
  try {
    yield* restingBeforeLoss({ ...run, emit }, (scope) => trainAttempt(scope, ports, todo, { attempt, stage, frozen }));
  } finally {
    over.abort();
  }
  // Only after a success: a failure is passed on without waiting for models that do not respond.
  await following;
}

/**
 * Where a trainer that shuts down is started again, the attempt comes to rest at a pair before it is lost: the next one waits for the
 * trainer, and repeats no step.
 */
async function* restingBeforeLoss(
  run: DutyScope,
  attempt: (scope: DutyScope) => AsyncIterable<RunTransition>,
): AsyncGenerator<RunTransition> {
  if (!run.restores) return yield* attempt(run);
  const leaving = new AbortController();
  const leaves = (role: TrainedRole) => {
    leaving.abort(new TrikdError('unavailable', `the ${role} is shutting down, and will be started again`));
  };
  let trained = false;
  for await (const transition of attempt({ ...run, leaves, drained: AbortSignal.any([run.drained, leaving.signal]) })) {
    trained ||= transition.kind === 'stage-trained';
    yield transition;
  }
  if (leaving.signal.aborted && !trained && !run.drained.aborted) throw leaving.signal.reason;
}

/** An attempt at a stage. */
interface Attempting {
  readonly attempt: StageAttempt;
  readonly stage: Stage;
  /** SHA-256 of the params of each frozen model, by name. */
  readonly frozen: Readonly<Record<string, string>>;
}

function trainAttempt(
  { spec, store, drained, abandoned, emit, waits, leaves }: DutyScope,
  { trainers, clock, times, writer }: TrainPorts,
  todo: Training,
  { attempt, stage, frozen }: Attempting,
): AsyncGenerator<RunTransition> {
  const present = stage.learners.map(({ slot }) => trainers[slot]);
  const watched = present.map((trainer) => blamingPair(trainer, todo));
  const { grace, drain } = times;
  return trainingLoop(todo, attempt, {
    stage,
    primary: taskOf(spec).primary,
    trainers: present,
    input: trainingInput(
      watched,
      attempt,
      { drained, abandoned },
      { grace, drain, save: spec.checkpoint.everySeconds },
      clock,
    ),
    commit: (pair) => commitPair({ spec, store, writer, frozen }, todo, pair),
    emit,
    waits,
    leaves,
  });
}

/** A trainer reads the last part of its checkpoint after it has accepted the assignment: then its events end with the damage. */
function blamingPair(trainer: TrainerLink, todo: Training): TrainerLink {
  return {
    ...trainer,
    async *watch(attempt, signal, connection) {
      try {
        yield* trainer.watch(attempt, signal, connection);
      } catch (failure) {
        blamePair(todo)(failure);
      }
    },
  };
}
