import type { Clock } from '@trikd/core/async/clock';
import { within } from '@trikd/core/async/within';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { RunTransition } from '@trikd/core/run/advance';
import { nextLimit } from '@trikd/core/run/convergence';
import type { Training } from '@trikd/core/run/state';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { attemptOf } from '../duties/scope.js';
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
  const progress = generationProgress(todo, spec);
  const limit = nextLimit(progress.committed(), todo.facts, spec);
  const steps = new Set<number>();
  const attempt = attemptOf(spec, todo);
  const reading = Object.values(trainers).map(async (trainer) => {
    try {
      for await (const event of trainer.past(attempt)) {
        if (event.kind === 'evaluation') progress.validated(trainer.role, event.step, event.validation);
        if (event.kind !== 'checkpoint' || event.checkpoint.step >= limit) continue;
        progress.checkpointed(trainer.role, event.checkpoint);
        steps.add(event.checkpoint.step);
      }
    } catch {
      // The trainer is gone, or its attempt has failed: what it stored before is intact.
    }
  });
  await within(Promise.all(reading), times.grace, clock);
  const pair = newestPair(progress, steps);
  if (!pair) return undefined;
  const ref = await commitPair({ spec, store, writer }, todo, pair);
  return { kind: 'pair-committed', pair: ref, validations: progress.commit(ref.step) };
}

function newestPair(progress: GenerationProgress, steps: ReadonlySet<number>): Pair | undefined {
  for (const step of [...steps].sort((a, b) => b - a)) {
    const pair = progress.pairAt(step);
    if (pair) return pair;
  }
  return undefined;
}
