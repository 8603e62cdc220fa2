import { TrikdError } from '@trikd/core/domain/errors';
import type { RoleCheckpoint, Score } from '@trikd/core/domain/role-checkpoint';
import { afterValidations, converged, NOT_VALIDATED } from '@trikd/core/run/convergence';
import { resumePair, type Training, type Validation } from '@trikd/core/run/state';
import type { Stage } from '@trikd/core/stages/stage';
import { notFinite } from '@trikd/core/tasks/check-score';
import { type Metric, metricIn } from '@trikd/core/tasks/metric';

/** The checkpoints of all learners of a stage at one step. */
export interface Pair {
  readonly step: number;
  /** By name. */
  readonly learners: Readonly<Record<string, RoleCheckpoint>>;
}

/** What the trainers of a stage have reported so far. Learners are named as in the stage. */
export interface StageProgress {
  /** Step of the last committed pair; 0 before the first. */
  readonly committed: () => number;
  readonly checkpointed: (learner: string, checkpoint: RoleCheckpoint) => void;
  /** The pair of a step; undefined while a part of it is missing, and once it is committed. */
  readonly pairAt: (step: number) => Pair | undefined;
  /** @throws TrikdError `diverged` for a score that is not finite */
  readonly validated: (learner: string, step: number, score: Score) => void;
  /** Whether the validations of the decisive learner so far end the stage. */
  readonly converged: () => boolean;
  readonly stopped: (learner: string, step: number) => void;
  /** Whether all learners have stopped before a step. */
  readonly allStoppedAt: (step: number) => boolean;
  /** Drops what a pair has made obsolete. Returns the validations of the decisive learner since the pair before. */
  readonly commit: (step: number) => readonly Validation[];
}

/** The progress of a stage from its last committed pair on. @param primary the metric that decides */
export function stageProgress(todo: Training, stage: Stage, primary: Metric): StageProgress {
  const { learners, decisive, convergence } = stage;
  const gain = { better: primary.better, minDelta: convergence.minDelta };
  const parts = new Map(learners.map(({ name }) => [name, new Map<number, RoleCheckpoint>()]));
  const stopped = new Map<string, number>();
  const last = resumePair(todo);
  let committed = last?.step ?? 0;
  let committedConvergence = last?.convergence ?? NOT_VALIDATED;
  /** Validations of the decisive learner after the last committed pair, by step. */
  const fresh: Validation[] = [];
  const convergenceAfter = (validations: readonly Validation[]) =>
    afterValidations(
      committedConvergence,
      validations.map(({ value }) => value),
      gain,
    );
  return {
    committed: () => committed,
    checkpointed: (learner, checkpoint) => {
      if (checkpoint.step > committed) parts.get(learner)?.set(checkpoint.step, checkpoint);
    },
    pairAt: (step) => {
      const found = [...parts].flatMap(([name, checkpoints]) => {
        const checkpoint = checkpoints.get(step);
        return checkpoint ? [[name, checkpoint] as const] : [];
      });
      return found.length === parts.size ? { step, learners: Object.fromEntries(found) } : undefined;
    },
    validated: (learner, step, score) => {
      const found = notFinite(score);
      if (found !== undefined) {
        throw new TrikdError('diverged', `validation of the ${learner} after ${step} steps: ${found}`);
      }
      const known = fresh.at(-1)?.step ?? committed;
      if (learner === decisive && step > known) fresh.push({ step, value: metricIn(score, primary) });
    },
    converged: () => converged(convergenceAfter(fresh), convergence),
    stopped: (learner, step) => stopped.set(learner, step),
    allStoppedAt: (step) => learners.every(({ name }) => stopped.get(name) === step),
    commit: (step) => {
      committed = step;
      for (const waiting of parts.values()) {
        for (const key of waiting.keys()) if (key <= step) waiting.delete(key);
      }
      const closed = fresh.filter((validation) => validation.step <= step);
      committedConvergence = convergenceAfter(closed);
      fresh.splice(0, closed.length);
      return closed;
    },
  };
}
