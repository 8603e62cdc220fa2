import { Command } from 'commander';
import { address, positiveNumber } from '../options/options.js';

/** Options of `trikd health`. */
export interface HealthOptions {
  readonly address: string;
  /** What of the process is asked for, such as readiness; empty: all of it. */
  readonly service: string;
  /** Seconds. */
  readonly timeout: number;
}

const DEFAULT_SECONDS = 5;

const EXAMPLE = `
Example:
  $ trikd health 127.0.0.1:50052
  $ trikd health 127.0.0.1:50052 --service readiness

For health checks of containers and supervisors: the address is that of \`health.listen\`, on this machine or in this container.
Exit status: 0 it serves, 1 it does not serve, 2 wrong command line, 3 it has no such service, 4 no answer.`;

/** `trikd health` */
export function healthCommand(check: (options: HealthOptions) => Promise<void>): Command {
  return new Command('health')
    .description('Asks a service on this machine whether it serves.')
    .argument('<address>', 'host:port of its health checks', address)
    .option('--service <name>', 'startup, readiness, liveness or a full name of gRPC (default: the process)', '')
    .option('--timeout <seconds>', 'time limit for the answer', positiveNumber, DEFAULT_SECONDS)
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action((where: string, options: Omit<HealthOptions, 'address'>) => check({ ...options, address: where }));
}
