import { dirname, join } from 'node:path';
import { type ServiceName, startService } from '@trikd/process/service-process';

/** A service as a child process of the benchmark. */
export interface MeasuredService {
  readonly address: string;
  readonly pid: number;
  end(): Promise<void>;
}

/**
 * Starts a service on a free port of the loopback interface. `lagFile` gets the delays of its event loop when it ends.
 * @param settings of its configuration, by path
 */
export async function startMeasured(
  name: ServiceName,
  store: string,
  lagFile: string,
  settings: Readonly<Record<string, unknown>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<MeasuredService> {
  const { child, ready } = startService(name, {
    logs: join(dirname(lagFile), 'logs'),
    settings: { 'store.path': store, 'log.level': process.env['BENCH_LOG'] ?? 'error', ...settings },
    env: { ...process.env, ...env, BENCH_LAG_FILE: lagFile },
    node: ['--import', new URL('event-loop-meter.ts', import.meta.url).href],
  });
  const { address, terminate, ended } = await ready;
  return {
    address,
    pid: child.pid ?? 0,
    async end() {
      terminate();
      await ended;
    },
  };
}
