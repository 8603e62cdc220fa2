import { createBackoff } from '@trikd/core/async/backoff';
import { TrikdError } from '@trikd/core/domain/errors';
import { plainMessage } from '../../server/error-report.js';
import { isTransient, type Limits, type RoundPorts, roundsOf } from './rounds.js';
import type { RunOfCell } from './run-of-cell.js';
import type { ServerRun } from './server-runs.js';

/** What training at a server works with. */
export interface TrainingPorts extends RoundPorts {
  /** Gets the runs that have not ended, each time that they were looked at. */
  show(runs: readonly ServerRun[]): void;
  /** Rejects when the command is to end. */
  pause(milliseconds: number): Promise<void>;
  /** In seconds. */
  now(): number;
  /** Uniform on [0, 1). */
  readonly random: () => number;
  /** Longest time without a connection, in seconds. */
  readonly patience: number;
}

/** Between two looks at the runs, in milliseconds. */
export const INTERVAL = 1000;

/** Of pauses between attempts to reach a server, in milliseconds. */
const BACKOFF = { firstMs: 500, maxMs: 30_000 };

/**
 * Has runs trained by a server, in their order, several at once, and collects each when it has completed. Runs that the server has already
 * are waited for. After a failure no other run is created, and those that have not ended are waited for. A lost connection is waited for.
 * @throws TrikdError of the first failure; 'unavailable' if the server cannot be reached at first, or for too long later
 */
export async function trainRuns(runs: readonly RunOfCell[], ports: TrainingPorts, limits: Limits): Promise<void> {
  const { round, hasAnswer, isOver, unfinished, settled, failures } = roundsOf(runs, ports, limits);
  const backoff = createBackoff({ ...BACKOFF, random: ports.random });
  let lostAt: number | undefined;
  try {
    while (lostAt !== undefined || !isOver()) {
      try {
        await round();
        if (lostAt !== undefined) ports.say('the connection is back');
        lostAt = undefined;
        backoff.reset();
      } catch (error) {
        if (!hasAnswer() || !isTransient(error)) throw error;
        if (lostAt === undefined) ports.say(`${plainMessage(error)}; the runs go on, and the command tries again`);
        lostAt ??= ports.now();
        if (ports.now() - lostAt >= ports.patience) throw error;
      } finally {
        ports.show(unfinished());
      }
      if (lostAt !== undefined) await ports.pause(backoff.next());
      else if (!isOver()) await ports.pause(INTERVAL);
    }
  } finally {
    await settled();
  }
  const [first, ...others] = failures();
  for (const other of others) if (other instanceof TrikdError) ports.say(other.message);
  if (first !== undefined) throw first;
}
