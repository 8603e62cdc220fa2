import type { Clock } from '@trikd/core/async/clock';
import { within } from '@trikd/core/async/within';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { RunTransition } from '@trikd/core/run/advance';
import { nextLimit } from '@trikd/core/run/convergence';
import { currentStage } from '@trikd/core/run/current-stage';
import type { Training } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { taskOf } from '@trikd/core/tasks/task-of';
import { attemptOf } from '../duties/scope.js';
import { digestsOf, stageInputs } from '../duties/stage-inputs.js';
import type { TrainerLink } from '../ports.js';
import { commitPair } from './commit-pair.js';
import { type GenerationProgress, generationProgress, type Pair } from './generation-progress.js';

export interface SalvagePorts {
  readonly trainers: Readonly<Record<TrainedRole, TrainerLink>>;
  readonly clock: Clock;
  readonly times: {
    /** Seconds for both trainers to respond. */
    readonly grace: number;
  };
  /** Names the process in manifests. */
  readonly writer: string;
}

/**
 * Commits the newest checkpoint that both trainers of an attempt have stored: without a leader they train on, and their checkpoints are
 * not committed. Undefined when there is none, or when a trainer does not respond. A pair at a limit is left alone, since something is
 * decided there.
 */
export async function salvage(
  store: ObjectStore,
  spec: RunSpec,
  todo: Training,
  { trainers, clock, times, writer }: SalvagePorts,
): Promise<RunTransition | undefined> {
  const stage = currentStage(spec, todo);
  const progress = generationProgress(todo, stage, taskOf(spec).primary);
  const limit = nextLimit(progress.committed(), todo.facts, stage);
  const steps = new Set<number>();
  const attempt = attemptOf(spec, todo);
  const reading = stage.learners.map(async ({ slot, name }) => {
    try {
      for await (const event of trainers[slot].past(attempt)) {
        if (event.kind === 'evaluation') progress.validated(name, event.step, event.validation);
        if (event.kind !== 'checkpoint' || event.checkpoint.step >= limit) continue;
        progress.checkpointed(name, event.checkpoint);
        steps.add(event.checkpoint.step);
      }
    } catch {
      // The trainer is gone, or its attempt has failed: what it stored before is intact.
    }
  });
  await within(Promise.all(reading), times.grace, clock);
  const pair = newestPair(progress, steps);
  if (!pair) return undefined;
  const frozen = digestsOf(await stageInputs({ spec, store }, stage, todo), stage, todo);
  const ref = await commitPair({ spec, store, writer, frozen }, todo, pair);
  return { kind: 'pair-committed', pair: ref, validations: progress.commit(ref.step) };
}

function newestPair(progress: GenerationProgress, steps: ReadonlySet<number>): Pair | undefined {
  for (const step of [...steps].sort((a, b) => b - a)) {
    const pair = progress.pairAt(step);
    if (pair) return pair;
  }
  return undefined;
}
