import { Command } from 'commander';
import { type Format, outputOption, serverOption } from '../options.js';
import { storeOptions } from '../store-choice.js';

/** What `trikd doctor` was asked. */
export interface DoctorOptions {
  readonly server: string;
  /** Whether somebody has named the server. */
  readonly serverNamed: boolean;
  readonly store?: string;
  readonly config?: string;
  readonly output: Format;
}

const EXAMPLE = `
Example:
  $ trikd doctor
  $ trikd doctor --config orchestrator.yaml --server orchestrator:50050

Looks for what a run needs: Node.js, the engine, data, a store that keeps its promises, services that answer and whose clocks agree. Of a
configuration it reads the store and the addresses of the other services.
Exit status: 0 nothing failed, 1 something did, 2 wrong command line.`;

/** `trikd doctor` */
export function doctorCommand(examine: (options: DoctorOptions) => Promise<void>): Command {
  const [store, config] = storeOptions();
  const command = new Command('doctor').description('Looks for what keeps runs from running, and says what to do.');
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
