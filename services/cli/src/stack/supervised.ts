import { createBackoff } from '@trikd/core/async/backoff';
import type { Clock } from '@trikd/core/async/clock';
import { messageOf } from '@trikd/core/domain/message-of';
import type { ServiceProcess, StartedService } from '@trikd/process/service-process';

/** A service that is started again whenever it ends, until it is asked to end. */
export interface Supervised {
  /** host:port, the same in every life. */
  readonly address: string;
  /** As of its first life. */
  readonly url?: string;
  readonly terminate: () => void;
  readonly kill: () => void;
  /** Resolves when it has ended for good. */
  readonly ended: Promise<void>;
}

export interface SupervisedSetup {
  /** Where it belongs, such as `trio-1`. */
  readonly name: string;
  /** Starts a life. @param before the first life, whose addresses the later ones keep */
  readonly start: (before: Pick<ServiceProcess, 'address' | 'url'> | undefined) => StartedService;
  /** Gets a line for each life that ended unasked. */
  readonly say: (line: string) => void;
  /** Kills it when it aborts, at its start too. */
  readonly killed: AbortSignal;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Pauses before a service starts again, in milliseconds. */
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 15_000;
/** A life of so many milliseconds was none that fails at its start. */
const GOOD_LIFE = 30_000;

/** Starts a service. Resolves when it listens. @throws TrikdError `unavailable` when its first life does not start */
export async function supervise(setup: SupervisedSetup): Promise<Supervised> {
  const { name, start, say, killed, clock, random } = setup;
  const closing = new AbortController();
  const backoff = createBackoff({ firstMs: FIRST_PAUSE, maxMs: LONGEST_PAUSE, random });
  let life = start(undefined);
  const terminate = () => {
    closing.abort();
    life.child.kill('SIGTERM');
  };
  const kill = () => {
    closing.abort();
    life.kill();
  };
  killed.addEventListener('abort', kill, { once: true });
  const first = await life.ready;

  /** How a life ended; one that never listened has ended too. */
  const endOf = (one: StartedService): Promise<string> =>
    one.ready.then(
      ({ ended }) => ended,
      (error: unknown) => messageOf(error),
    );
  async function keep(): Promise<void> {
    let began = clock.now();
    while (!closing.signal.aborted) {
      const how = await endOf(life);
      if (closing.signal.aborted) return;
      if (clock.now() - began >= GOOD_LIFE) backoff.reset();
      const pause = backoff.next();
      say(`${name}: ${how}; starting again in ${(pause / 1000).toFixed(1)} s`);
      await clock.sleep(pause, closing.signal).catch(() => undefined);
      if (closing.signal.aborted) return;
      began = clock.now();
      life = start(first);
    }
    await endOf(life);
  }

  const { address, url } = first;
  return { address, ...(url !== undefined && { url }), terminate, kill, ended: keep() };
}
