import { once } from 'node:events';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { within } from '@trikd/core/async/within';
import type { TrainedRole } from '@trikd/core/domain/position';
import { listenError } from '@trikd/process/address';
import { modulesFolder } from '@trikd/process/environment';
import {
  type ServiceName,
  type ServiceProcess,
  type ServiceSetup,
  type StartedService,
  startService,
} from '@trikd/process/service-process';
import { systemClock } from '@trikd/process/system-clock';
import type { StoreConfig } from '@trikd/store/store-config';
import { tlsSettingsIn } from '../commands/certs/tls-settings.js';
import type { RunFolder } from './run-folder.js';
import { storeSettings, withoutStore } from './run-store.js';

type Environment = Readonly<Record<string, string | undefined>>;
type Settings = Readonly<Record<string, unknown>>;

/** Starts one service of several that share a store. */
export type Start = (
  name: ServiceName,
  setup: Pick<ServiceSetup, 'logs' | 'later'> & {
    readonly settings?: Readonly<Record<string, unknown>>;
    readonly env?: Environment;
  },
) => StartedService;

/**
 * They run the modules that this user has used, and no others.
 * @param shared environment of all of them; variables in it that name a store are left out
 */
export function startsWith(store: StoreConfig, shared: Environment): Start {
  const own = withoutStore(shared);
  return (name, { logs, settings, later, env }) =>
    startService(name, {
      logs,
      ...(later && { later }),
      env: { ...own, ...env },
      settings: { modules: modulesFolder(), ...storeSettings(store), ...settings },
    });
}

/** A service as those who end it see it. */
export type Ending = Pick<ServiceProcess, 'terminate' | 'kill'> & { readonly ended: Promise<unknown> };

/** Time limits of the orchestrators to pause their runs, and then of the models to end, in seconds. */
const DRAIN_SECONDS = 9;
const END_SECONDS = 0.8;

/** Ends services: first those that pause the runs, for which they need the models. Takes 10 s at most. */
export async function endInOrder(orchestrators: readonly Ending[], models: readonly Ending[]): Promise<void> {
  await endWithin(orchestrators, DRAIN_SECONDS);
  await endWithin(models, END_SECONDS);
  const all = [...orchestrators, ...models];
  for (const { kill } of all) kill();
  await Promise.all(all.map(({ ended }) => ended));
}

async function endWithin(services: readonly Ending[], seconds: number): Promise<void> {
  for (const { terminate } of services) terminate();
  await within(Promise.all(services.map(({ ended }) => ended)), seconds, systemClock);
}

/** The services of a run. */
export interface Services {
  /** host:port of the orchestrator. */
  readonly address: string;
  /** URL of the dashboard; absent when it is turned off. */
  readonly dashboard?: string;
  /** Resolves with one sentence when a service ends unexpectedly. */
  readonly failure: Promise<string>;
  /** Pauses the run at a checkpoint, then stops all services. Takes 10 s at most. */
  readonly stop: () => Promise<void>;
  /** Kills all services. */
  readonly kill: () => void;
}

export interface ServicesOptions {
  /** Address of the orchestrator; absent: any free port of the loopback interface. */
  readonly listen?: string;
  /** Folder of certificates; absent: plain text within this machine. */
  readonly tls?: string;
  /** Whether the models are in the process of the orchestrator. */
  readonly inProcess?: boolean;
  /** Processes for replicas besides the trainer, by slot. Default: none. */
  readonly replicas?: FurtherReplicas;
}

/**
 * Starts the services of a run: the models, and an orchestrator that gets their addresses when they listen; or one orchestrator with the models.
 * @param killed kills them all when it aborts
 * @throws TrikdError `unavailable` when one of them does not start; the others are then killed
 */
export async function startServices(
  folder: RunFolder,
  env: Environment,
  killed: AbortSignal,
  { listen, tls, inProcess = false, replicas }: ServicesOptions = {},
): Promise<Services> {
  const kills: (() => void)[] = [];
  const kill = () => {
    for (const each of kills) each();
  };
  killed.addEventListener('abort', kill, { once: true });
  const { logs } = folder;
  const starts = startsWith(folder.store, named(env, folder.runId));
  const startWith = (name: ServiceName, settings: Settings, place: string, later?: Promise<Settings>) => {
    const own = { ...tlsSettingsIn(tls, name), ...settings };
    const service = starts(name, { logs: join(logs, place), settings: own, ...(later && { later }) });
    kills.push(service.kill);
    return service.ready;
  };
  const start: StartModel<ServiceProcess> = (name, settings, place = '') => startWith(name, settings, place);
  const placement = inProcess ? { 'placement.kind': 'in-process' } : {};
  const settings = { ...placement, events: dirname(folder.path), ...(listen !== undefined && { listen }) };
  try {
    const trio = inProcess ? undefined : startTrio(start, replicas);
    const later = trio?.then((models) => addressesOf(models.trio));
    const [models, orchestrator] = await Promise.all([trio, startWith('orchestrator', settings, '', later)]);
    return together(orchestrator, models ? [...Object.values(models.trio), ...models.further] : [], kill);
  } catch (error) {
    kill();
    throw error;
  }
}

function addressesOf({ anchor, teacher, student }: Trio<ServiceProcess>) {
  return { anchor: anchor.address, teacher: teacher.address, student: student.address };
}

/** The environment with the run as an attribute of telemetry. */
function named(env: Environment, runId: string): Environment {
  const own = `trikd.run.id=${encodeURIComponent(runId)}`;
  const { OTEL_RESOURCE_ATTRIBUTES: given = '' } = env;
  return { ...env, OTEL_RESOURCE_ATTRIBUTES: given === '' ? own : `${own},${given}` };
}

function together(orchestrator: ServiceProcess, models: readonly ServiceProcess[], kill: () => void): Services {
  return {
    address: orchestrator.address,
    ...(orchestrator.url !== undefined && { dashboard: orchestrator.url }),
    failure: Promise.race([orchestrator, ...models].map(({ ended }) => ended)),
    kill,
    stop: () => endInOrder([orchestrator], models),
  };
}

/** The three services of the models of one run. */
export interface Trio<Service> {
  readonly anchor: Service;
  readonly teacher: Service;
  readonly student: Service;
}

/** Starts a service of a trio. @param place of a process that computes replicas, such as `replica-1`; absent: the model itself */
type StartModel<Service> = (
  name: ServiceName,
  settings: Readonly<Record<string, unknown>>,
  place?: string,
) => Promise<Service>;

/** A trio whose trainers have the addresses of the processes for their further replicas. */
export interface StartedTrio<Service> {
  readonly trio: Trio<Service>;
  /** The processes for replicas besides the trainers. */
  readonly further: readonly Service[];
}

/** Processes for replicas besides the trainer, by slot. */
export type FurtherReplicas = Readonly<Record<TrainedRole, number>>;
const NONE: FurtherReplicas = { teacher: 0, student: 0 };

/** Starts the services of a trio at once; before them those for further replicas, whose addresses the trainers get. */
export async function startTrio<Service extends { readonly address: string }>(
  start: StartModel<Service>,
  replicas: FurtherReplicas = NONE,
): Promise<StartedTrio<Service>> {
  const ranked = (name: ServiceName, count: number) =>
    Promise.all(Array.from({ length: count }, (_, index) => start(name, {}, `replica-${index + 1}`)));
  const further = await Promise.all([
    ranked('teacher-trainer', replicas.teacher),
    ranked('student-trainer', replicas.student),
  ]);
  const [ofTeacher, ofStudent] = further;
  const services = [
    start('anchor-server', {}),
    start('teacher-trainer', addressesIn(ofTeacher)),
    start('student-trainer', addressesIn(ofStudent)),
  ] as const;
  const [anchor, teacher, student] = await Promise.all(services);
  return { trio: { anchor, teacher, student }, further: further.flat() };
}

/** The setting of a trainer that names the processes of its replicas. */
function addressesIn(replicas: readonly { readonly address: string }[]): Readonly<Record<string, unknown>> {
  return replicas.length === 0 ? {} : { replicas: replicas.map(({ address }) => address) };
}

/**
 * Checks that a service can listen on an address, before anything is made for it. Another process may still take it afterwards.
 * @param address host:port
 * @throws TrikdError 'unavailable' that says why not, and what to do
 */
export async function assertFree(address: string): Promise<void> {
  const [, host = '', port] = /^(.*):(\d+)$/.exec(address) ?? [];
  if (port === undefined || address.startsWith('unix:')) return;
  const server = createServer();
  server.listen({ host: host.replace(/^\[|\]$/g, ''), port: Number(port) });
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw listenError(address, cause);
  }
  await new Promise((resolve) => server.close(resolve));
}
