import { join } from 'node:path';
import type { ServiceName } from '@trikd/process/service-process';
import { systemClock } from '@trikd/process/system-clock';
import type { StoreConfig } from '@trikd/store/store-config';
import { tlsSettingsIn } from '../certs/tls-settings.js';
import { endInOrder, startsWith } from '../services.js';
import type { Shell } from '../shell.js';
import { type StartedTrio, startTrio, type Trio } from '../trio.js';
import { type Supervised, supervise } from './supervised.js';

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
