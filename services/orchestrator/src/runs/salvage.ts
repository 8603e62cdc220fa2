import type { Clock } from '@trikd/core/async/clock';
import { within } from '@trikd/core/async/within';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { RunEvent } from '@trikd/core/run/advance';
import { nextLimit } from '@trikd/core/run/convergence';
import type { Training } from '@trikd/core/run/state';
import { attemptOf, type CommitPorts, commitPair } from './commit-pair.js';
import { type Ledger, ledger, type Pair } from './ledger.js';
import type { TrainerLink } from './ports.js';

/** What salvaging needs. */
export interface SalvagePorts extends CommitPorts {
  readonly trainers: Readonly<Record<TrainedRole, TrainerLink>>;
  readonly clock: Clock;
  readonly times: {
    /** Seconds for both trainers to answer. */
    readonly grace: number;
  };
}

/**
 * Commits the newest checkpoint that both trainers of an attempt have stored since its leader was last heard of: without a leader they
 * train on, and nobody says that two checkpoints are a pair. Undefined when there is none, or when a trainer does not answer.
 * A pair at a limit is left alone, since something is decided there.
 */
export async function salvage(todo: Training, ports: SalvagePorts): Promise<RunEvent | undefined> {
  const { spec, clock, times } = ports;
  const books = ledger(todo, spec.convergence);
  const limit = nextLimit(books.committed(), todo.facts, spec);
  const steps = new Set<number>();
  const attempt = attemptOf(spec, todo);
  const asked = Object.values(ports.trainers).map(async (trainer) => {
    try {
      for await (const event of trainer.past(attempt)) {
        if (event.kind === 'evaluation') books.validated(trainer.role, event.step, event.validation);
        if (event.kind !== 'checkpoint' || event.checkpoint.step >= limit) continue;
        books.saved(trainer.role, event.checkpoint);
        steps.add(event.checkpoint.step);
      }
    } catch {
      // It is gone, or has failed: what it stored before that is as good as ever.
    }
  });
  await within(Promise.all(asked), times.grace, clock);
  const pair = newestPair(books, steps);
  if (!pair) return undefined;
  const ref = await commitPair(ports, todo, pair);
  return { kind: 'pair-committed', pair: ref, validations: books.commit(ref.step) };
}

function newestPair(books: Ledger, steps: ReadonlySet<number>): Pair | undefined {
  for (const step of [...steps].sort((a, b) => b - a)) {
    const pair = books.pairAt(step);
    if (pair) return pair;
  }
  return undefined;
}
