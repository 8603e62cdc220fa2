import { Command } from 'commander';
import { type Format, outputOption, serverOption } from '../options.js';
import type { Connection } from '../server/ask.js';
import { storeOptions } from '../store-choice.js';

/** Options of `trikd doctor`. */
export interface DoctorOptions extends Connection {
  /** Whether an option or a variable named the server. */
  readonly serverNamed: boolean;
  readonly store?: string;
  readonly config?: string;
  readonly output: Format;
}

const EXAMPLE = `
Example:
  $ trikd doctor
  $ trikd doctor --config orchestrator.yaml --server orchestrator:50050

Checks Node.js, the engine, the data, the store, and whether services answer and their clocks agree. From a configuration it reads the store
and the addresses of the other services.
Exit status: 0 no check failed, 1 a check failed, 2 wrong command line.`;

/** `trikd doctor` */
export function doctorCommand(examine: (options: DoctorOptions) => Promise<void>): Command {
  const [store, config] = storeOptions();
  const command = new Command('doctor').description('Finds what keeps runs from working, and says what to do.');
  return command
    .addOption(serverOption())
    .addOption(store)
    .addOption(config)
    .addOption(outputOption())
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action((options: Omit<DoctorOptions, 'serverNamed'>) =>
      examine({ ...options, serverNamed: command.getOptionValueSource('server') !== 'default' }),
    );
}
