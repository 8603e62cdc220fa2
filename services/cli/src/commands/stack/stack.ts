import { join } from 'node:path';
import { createBackoff } from '@trikd/core/async/backoff';
import type { Clock } from '@trikd/core/async/clock';
import { messageOf } from '@trikd/core/domain/errors';
import type { ServiceName, ServiceProcess, StartedService } from '@trikd/process/service-process';
import { systemClock } from '@trikd/process/system-clock';
import type { StoreConfig } from '@trikd/store/store-config';
import { endInOrder, type StartedTrio, startsWith, startTrio, type Trio } from '../../run/services.js';
import type { Shell } from '../../terminal/shell.js';
import { tlsSettingsIn } from '../certs/tls-settings.js';

/** What a stack is made of. */
export interface StackSetup {
  readonly trios: number;
  /** Processes of each trainer: the trainer itself, and those for further replicas of its learners. */
  readonly replicas: number;
  readonly orchestrators: number;
  /** Address of the first orchestrator; the others get any free port. */
  readonly listen: string;
  readonly store: StoreConfig;
  /** Gets a folder for each orchestrator and each trio. */
  readonly logs: string;
  /** Gets the events of each run. */
  readonly events: string;
  /** Folder of certificates. */
  readonly tls?: string;
  /** Configuration of the orchestrators, besides what is decided here. */
  readonly config?: string;
}

/** Trios and orchestrators on this machine, each service started again when it ends. */
export interface Stack {
  /** host:port of each. */
  readonly orchestrators: readonly string[];
  /** URL of the dashboard; absent when it is turned off. */
  readonly dashboard?: string;
  /** host:port of each model, by the name of its trio. */
  readonly trios: readonly ({ readonly name: string } & Trio<string>)[];
  /** Pauses the runs at a checkpoint, then ends all services. Takes 10 s at most. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts a stack.
 * @param say gets a line for each service that is started again
 * @throws TrikdError `unavailable` when a service does not start; the others are then killed
 */
export async function startStack(setup: StackSetup, { env, end }: Shell, say: (line: string) => void): Promise<Stack> {
  const { store, logs, events, config, tls } = setup;
  const failed = new AbortController();
  const killed = AbortSignal.any([end, failed.signal]);
  const starts = startsWith(store, { ...env, TRIKD_CONFIG: undefined });
  const keep = (group: string, name: ServiceName, settings: Readonly<Record<string, unknown>> = {}) =>
    supervise({
      ...{ say, killed, clock: systemClock, random: Math.random },
      name: group,
      start: (before) =>
        starts(name, {
          logs: join(logs, group),
          settings: { ...tlsSettingsIn(tls, name), ...settings, ...(before && sameAddresses(before)) },
          env: name === 'orchestrator' ? { TRIKD_CONFIG: config } : {},
        }),
    });
  try {
    const further = setup.replicas - 1;
    const trios = await Promise.all(
      numbered('trio', setup.trios).map(async (name) => ({
        name,
        ...(await startTrio(
          (service, settings, place) => keep(place === undefined ? name : join(name, place), service, settings),
          { teacher: further, student: further },
        )),
      })),
    );
    const orchestrators = await Promise.all(
      numbered('orchestrator', setup.orchestrators).map((name, index) =>
        keep(name, 'orchestrator', { ...placementOf(trios), events, ...(index === 0 && { listen: setup.listen }) }),
      ),
    );
    const dashboard = orchestrators[0]?.url;
    return {
      orchestrators: orchestrators.map(({ address }) => address),
      ...(dashboard !== undefined && { dashboard }),
      trios: trios.map(addressesOf),
      stop: () =>
        endInOrder(
          orchestrators,
          trios.flatMap(({ trio, further }) => [...Object.values(trio), ...further]),
        ),
    };
  } catch (error) {
    failed.abort();
    throw error;
  }
}

function numbered(name: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
}

/** What clients and other services know of a service stays true when it is started again. */
function sameAddresses({ address, url }: { readonly address: string; readonly url?: string }) {
  return { listen: address, ...(url !== undefined && { 'http.listen': new URL(url).host }) };
}

type NamedTrio = StartedTrio<Supervised> & { readonly name: string };

function addressesOf({ name, trio: { anchor, teacher, student } }: NamedTrio) {
  return { name, anchor: anchor.address, teacher: teacher.address, student: student.address };
}

function placementOf(trios: readonly NamedTrio[]) {
  const [only] = trios;
  if (trios.length === 1 && only) {
    const { name: _, ...addresses } = addressesOf(only);
    return addresses;
  }
  return { placement: { kind: 'fixed', trios: trios.map(addressesOf) } };
}

/** A service that is started again whenever it ends, until it is asked to end. */
interface Supervised {
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
