import { TrikdError } from '@trikd/core/domain/errors';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { RoleCheckpoint } from '@trikd/core/domain/role-checkpoint';
import type { Score } from '@trikd/core/domain/score';
import { resumePair, type Training, type Validation } from '@trikd/core/run/state';

/** Both parts of the checkpoint of one step. */
export type Pair = Readonly<Record<TrainedRole, RoleCheckpoint>>;

/** What both trainers of a generation have reported so far. */
export interface Ledger {
  /** Step of the last committed pair; 0 before the first. */
  readonly committed: () => number;
  readonly saved: (role: TrainedRole, checkpoint: RoleCheckpoint) => void;
  /** The pair of a step, once both parts of it are there and unless it is committed already. */
  readonly pairAt: (step: number) => Pair | undefined;
  /** @throws TrikdError `diverged` for a score that is not finite */
  readonly validated: (role: TrainedRole, step: number, score: Score) => void;
  /** Accuracies of the student in this generation, in the order of their steps. */
  readonly accuracies: () => readonly number[];
  readonly rests: (role: TrainedRole, step: number) => void;
  /** Whether both rest before a step. */
  readonly bothRestAt: (step: number) => boolean;
  /** Closes the books up to a step. Returns the validations of the student since the pair before. */
  readonly commit: (step: number) => readonly Validation[];
}

/** A ledger that goes on from the last pair of a generation. */
export function ledger(todo: Training): Ledger {
  const parts: Record<TrainedRole, Map<number, RoleCheckpoint>> = { teacher: new Map(), student: new Map() };
  const resting = new Map<TrainedRole, number>();
  const validations = [...todo.validations];
  let reported = validations.length;
  let committed = resumePair(todo)?.step ?? 0;
  return {
    committed: () => committed,
    saved: (role, checkpoint) => {
      if (checkpoint.step > committed) parts[role].set(checkpoint.step, checkpoint);
    },
    pairAt: (step) => {
      const [teacher, student] = [parts.teacher.get(step), parts.student.get(step)];
      return teacher && student && { teacher, student };
    },
    validated: (role, step, { accuracy, nll }) => {
      if (!Number.isFinite(accuracy) || !Number.isFinite(nll)) {
        const found = `accuracy ${accuracy}, NLL ${nll}`;
        throw new TrikdError('diverged', `validation of the ${role} after ${step} steps: ${found}`);
      }
      const last = validations.at(-1)?.step ?? 0;
      if (role === 'student' && step > last) validations.push({ step, accuracy });
    },
    accuracies: () => validations.map(({ accuracy }) => accuracy),
    rests: (role, step) => resting.set(role, step),
    bothRestAt: (step) => resting.get('teacher') === step && resting.get('student') === step,
    commit: (step) => {
      committed = step;
      for (const waiting of Object.values(parts)) {
        for (const key of waiting.keys()) if (key <= step) waiting.delete(key);
      }
      const fresh = validations.slice(reported).filter((validation) => validation.step <= step);
      reported += fresh.length;
      return fresh;
    },
  };
}
