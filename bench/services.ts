import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A service as a child process of the benchmark. */
export interface ServiceProcess {
  readonly address: string;
  readonly child: ChildProcess;
  end(): Promise<void>;
}

/**
 * Starts a service on a free port of the loopback interface. `lagFile` gets the delays of its event loop when it ends.
 * @param settings further variables of its environment
 */
export async function startService(
  name: string,
  store: string,
  lagFile: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<ServiceProcess> {
  const main = fileURLToPath(new URL(`../services/${name}/dist/main.js`, import.meta.url));
  const meter = new URL('event-loop-meter.ts', import.meta.url).href;
  const env = {
    ...process.env,
    TRIKD_LISTEN: '127.0.0.1:0',
    TRIKD_STORE__PATH: store,
    TRIKD_LOG__LEVEL: process.env.BENCH_LOG ?? 'error',
    BENCH_LAG_FILE: lagFile,
    ...settings,
  };
  const child = fork(main, { env, execArgv: ['--import', meter], stdio: ['ignore', 'inherit', 'ignore', 'ipc'] });
  const exited = once(child, 'exit');
  const listening = once(child, 'message').then(([message]) => message as { address: string });
  const { address } = await Promise.race([
    listening,
    exited.then(() => Promise.reject(new Error(`${name} ended at its start`))),
  ]);
  return {
    address,
    child,
    async end() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
