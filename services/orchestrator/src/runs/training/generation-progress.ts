import { TrikdError } from '@trikd/core/domain/errors';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { RoleCheckpoint } from '@trikd/core/domain/role-checkpoint';
import type { Score } from '@trikd/core/domain/score';
import { afterValidations, converged, NOT_VALIDATED } from '@trikd/core/run/convergence';
import { resumePair, type Training, type Validation } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { notFinite } from '@trikd/core/tasks/check-score';
import { metricIn } from '@trikd/core/tasks/metric';
import { taskOf } from '@trikd/core/tasks/task-of';

/** Both parts of the checkpoint of one step. */
export type Pair = Readonly<Record<TrainedRole, RoleCheckpoint>>;

/** What both trainers of a generation have reported so far. */
export interface GenerationProgress {
  /** Step of the last committed pair; 0 before the first. */
  readonly committed: () => number;
  readonly checkpointed: (role: TrainedRole, checkpoint: RoleCheckpoint) => void;
  /** The pair of a step; undefined while a part of it is missing, and once it is committed. */
  readonly pairAt: (step: number) => Pair | undefined;
  /** @throws TrikdError `diverged` for a score that is not finite */
  readonly validated: (role: TrainedRole, step: number, score: Score) => void;
  /** Whether the student's validations so far end the generation. */
  readonly converged: () => boolean;
  readonly stopped: (role: TrainedRole, step: number) => void;
  /** Whether both trainers have stopped before a step. */
  readonly bothStoppedAt: (step: number) => boolean;
  /** Drops what a pair has made obsolete. Returns the validations of the student since the pair before. */
  readonly commit: (step: number) => readonly Validation[];
}

/** The progress of a generation from its last committed pair on. */
export function generationProgress(todo: Training, spec: RunSpec): GenerationProgress {
  const { convergence } = spec;
  const { primary } = taskOf(spec);
  const gain = { better: primary.better, minDelta: convergence.minDelta };
  const parts: Record<TrainedRole, Map<number, RoleCheckpoint>> = { teacher: new Map(), student: new Map() };
  const stopped = new Map<TrainedRole, number>();
  const last = resumePair(todo);
  let committed = last?.step ?? 0;
  let committedConvergence = last?.convergence ?? NOT_VALIDATED;
  /** Validations of the student after the last committed pair, by step. */
  const fresh: Validation[] = [];
  const convergenceAfter = (validations: readonly Validation[]) =>
    afterValidations(
      committedConvergence,
      validations.map(({ value }) => value),
      gain,
    );
  return {
    committed: () => committed,
    checkpointed: (role, checkpoint) => {
      if (checkpoint.step > committed) parts[role].set(checkpoint.step, checkpoint);
    },
    pairAt: (step) => {
      const [teacher, student] = [parts.teacher.get(step), parts.student.get(step)];
      return teacher && student && { teacher, student };
    },
    validated: (role, step, score) => {
      const found = notFinite(score);
      if (found !== undefined) {
        throw new TrikdError('diverged', `validation of the ${role} after ${step} steps: ${found}`);
      }
      const known = fresh.at(-1)?.step ?? committed;
      if (role === 'student' && step > known) fresh.push({ step, value: metricIn(score, primary) });
    },
    converged: () => converged(convergenceAfter(fresh), convergence),
    stopped: (role, step) => stopped.set(role, step),
    bothStoppedAt: (step) => stopped.get('teacher') === step && stopped.get('student') === step,
    commit: (step) => {
      committed = step;
      for (const waiting of Object.values(parts)) {
        for (const key of waiting.keys()) if (key <= step) waiting.delete(key);
      }
      const closed = fresh.filter((validation) => validation.step <= step);
      committedConvergence = convergenceAfter(closed);
      fresh.splice(0, closed.length);
      return closed;
    },
  };
}
