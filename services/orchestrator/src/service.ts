import { randomBytes, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { within } from '@trikd/core/async/within';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { createCandidate } from '@trikd/core/run/stored/lease';
import type { LocalTrio } from '@trikd/model-host/local-trio';
import { admissionOf } from '@trikd/process/data-settings';
import { environment } from '@trikd/process/environment';
import type { Logger } from '@trikd/process/logging';
import { exitOn } from '@trikd/process/shutdown';
import { systemClock, wallTime } from '@trikd/process/system-clock';
import { retryingStore } from '@trikd/store/retrying-store';
import { NO_TELEMETRY, type Telemetry } from '@trikd/telemetry/telemetry';
import { LOOPBACK_ONLY, type Security } from '@trikd/transport/access/security';
import { endpointAccessOf } from '@trikd/transport/inference/endpoint-settings';
import { admitting } from './api/as-caller.js';
import { kubernetesOf, type OrchestratorConfig, placementOf, queueOf } from './config.js';
import { eventCounter } from './events/event-counter.js';
import { eventFile, removeEventFile } from './events/event-file.js';
import { openPages } from './events/event-pages.js';
import { openLeaderLabel } from './leadership/leader-label.js';
import { queueMeter } from './leadership/queue-meter.js';
import { type Orchestrator, orchestrator } from './orchestrator.js';
import { openPlacement } from './placement/open-placement.js';
import { trioLinks } from './runs/links.js';
import { localLinks } from './runs/local-links.js';

/** The orchestrator of a configuration, with its connections. */
export interface OrchestratorService {
  readonly orchestrator: Orchestrator;
  /** Drains within the configured time, closes all connections, and ends a trio in this process. */
  readonly stop: () => Promise<void>;
}

/** Seconds to end all event streams, after a drain that took as long as it may. */
const FAREWELL = 1.5;

/** As `orchestratorService`. Logs why a configuration cannot be used, and exits. */
export function orchestratorServiceOrExit(...ports: Parameters<typeof orchestratorService>): OrchestratorService {
  try {
    return orchestratorService(...ports);
  } catch (error) {
    exitOn(error, ports[2]);
  }
}

/**
 * @param local the trio of a placement in this process
 * @throws TrikdError `invalid` for a configuration that cannot be used
 */
export function orchestratorService(
  config: OrchestratorConfig,
  store: ObjectStore,
  log: Logger,
  telemetry: Telemetry = NO_TELEMETRY,
  security: Security = LOOPBACK_ONLY,
  local?: LocalTrio,
): OrchestratorService {
  const writer = `orchestrator ${process.pid} on ${hostname()}`;
  const clock = systemClock;
  const stopped = new AbortController();
  const { times } = config;
  const placement = openPlacement(placementOf(config), {
    ...{ clock, times, log, security, env: environment(), random: Math.random, stopped: stopped.signal },
  });
  const label =
    config.leaderLabel &&
    openLeaderLabel(config.leaderLabel, kubernetesOf(config), {
      ...{ clock, log, env: environment(), random: Math.random, stopped: stopped.signal },
    });
  const driver = orchestrator({
    store,
    retrying: (signal, trouble) => {
      const logged = (reason: string | undefined) => {
        if (reason === undefined) log.info('the store works again');
        else log.warn({ reason }, 'waiting for the store');
        trouble(reason);
      };
      return retryingStore(store, { clock, random: Math.random, signal, onOutage: logged });
    },
    clock,
    candidate: createCandidate({ store, clock, holder: `${writer} ${randomUUID()}`, seconds: config.times.lease }),
    look: config.times.look,
    keepPairs: config.keepCheckpoints,
    placement,
    ...(label && { leads: label.leads }),
    connect: (trio) => (local ? localLinks(local, trio) : trioLinks(trio, times, security)),
    queue: queueOf(config),
    queueMeter: queueMeter(telemetry.record, placement.states),
    times,
    numerics: config.numerics,
    retries: config.retries,
    watchersPerRun: config.limits.watchersPerRun,
    everySteps: config.telemetry.everySteps,
    steps: { look: config.times.steps, traced: telemetry.root },
    writer,
    log,
    counter: (runId) => eventCounter(telemetry, runId, wallTime(clock)),
    date: () => new Date(),
    secretKey: () => randomBytes(32),
    openFile: (runId) =>
      eventFile(config.events, runId, (error) =>
        log.warn({ runId, err: error }, 'events cannot be written to their file'),
      ),
    openPages: (runId, readPage) =>
      openPages(runId, {
        store,
        clock,
        readPage,
        failed: (error) => log.warn({ runId, err: error }, 'events cannot be kept in the store'),
      }),
    nonce: randomUUID,
    removeFile: (runId) => removeEventFile(config.events, runId),
    failed: (runId, error) => log.error({ runId, err: error }, 'a run is not driven here'),
  });
  return {
    orchestrator: admitting(driver, { ...admissionOf(config), endpoints: endpointAccessOf(config) }),
    stop: async () => {
      const left = async () => label && within(label.settled(), FAREWELL, clock);
      await within(driver.drain().then(left), config.times.drain + FAREWELL, clock);
      stopped.abort();
      await local?.stop();
    },
  };
}
