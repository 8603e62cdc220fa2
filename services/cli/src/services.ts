import { dirname } from 'node:path';
import { within } from '@trikd/core/async/within';
import { type ServiceName, type ServiceProcess, startService } from '@trikd/process/service-process';
import { systemClock } from '@trikd/process/system-clock';
import type { RunFolder } from './run-folder.js';
import { storeSettings, withoutStore } from './run-store.js';

/** The four services of a run. */
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

/** Time limits of the orchestrator to pause the run, and then of the others to end, in seconds. */
const DRAIN_SECONDS = 9;
const END_SECONDS = 0.8;

/**
 * Starts the services of a run: first the models, then the orchestrator with their addresses.
 * @param killed kills them all when it aborts
 * @param listen address of the orchestrator; absent: any free port of the loopback interface
 * @throws TrikdError `unavailable` when one of them does not start; the others are then killed
 */
export async function startServices(
  folder: RunFolder,
  env: Readonly<Record<string, string | undefined>>,
  killed: AbortSignal,
  listen?: string,
): Promise<Services> {
  const kills: (() => void)[] = [];
  const kill = () => {
    for (const each of kills) each();
  };
  killed.addEventListener('abort', kill, { once: true });
  const start = (name: ServiceName, settings: Readonly<Record<string, string>>) => {
    const settled = { ...storeSettings(folder.store), ...settings };
    const own = named(withoutStore(env), folder.runId);
    const service = startService(name, { logs: folder.logs, env: own, settings: settled });
    kills.push(service.kill);
    return service.ready;
  };
  try {
    const models = [start('anchor-server', {}), start('teacher-trainer', {}), start('student-trainer', {})] as const;
    const [anchor, teacher, student] = await Promise.all(models);
    const orchestrator = await start('orchestrator', {
      anchor: anchor.address,
      teacher: teacher.address,
      student: student.address,
      events: dirname(folder.path),
      ...(listen !== undefined && { listen }),
    });
    return together(orchestrator, [anchor, teacher, student], kill);
  } catch (error) {
    kill();
    throw error;
  }
}

/** The environment with the run as an attribute of telemetry. */
function named(env: Readonly<Record<string, string | undefined>>, runId: string) {
  const own = `trikd.run.id=${encodeURIComponent(runId)}`;
  const { OTEL_RESOURCE_ATTRIBUTES: given = '' } = env;
  return { ...env, OTEL_RESOURCE_ATTRIBUTES: given === '' ? own : `${own},${given}` };
}

function together(orchestrator: ServiceProcess, models: readonly ServiceProcess[], kill: () => void): Services {
  const all = [orchestrator, ...models];
  return {
    address: orchestrator.address,
    ...(orchestrator.url !== undefined && { dashboard: orchestrator.url }),
    failure: Promise.race(all.map(({ ended }) => ended)),
    kill,
    stop: async () => {
      // The trainers are needed until the run has paused.
      orchestrator.terminate();
      await within(orchestrator.ended, DRAIN_SECONDS, systemClock);
      for (const model of models) model.terminate();
      await within(Promise.all(models.map(({ ended }) => ended)), END_SECONDS, systemClock);
      kill();
      await Promise.all(all.map(({ ended }) => ended));
    },
  };
}
