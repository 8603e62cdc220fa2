import { Command } from 'commander';
import { type Format, outputOption, serverOption, storeOptions } from '../../options/options.js';
import type { Connection } from '../../server/ask.js';

/** Options of `trikd doctor`. */
export interface DoctorOptions extends Connection {
  /** The file of a run to check. */
  readonly file?: string;
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
  $ trikd doctor examples/tiny.yaml

Checks Node.js, the engine, the data, the store, and whether services answer and their clocks agree. From a configuration it reads the store,
the admission limits and the addresses of the other services. With the file of a run, it also says what the run needs and which limits it is
above.
Exit status: 0 no check failed, 1 a check failed, 2 wrong command line.`;

/** `trikd doctor` */
export function doctorCommand(examine: (options: DoctorOptions) => Promise<void>): Command {
  const [store, config] = storeOptions();
  const command = new Command('doctor').description('Finds what keeps runs from working, and says what to do.');
  return command
    .argument('[file]', 'YAML file with the spec of a run to check')
    .addOption(serverOption())
    .addOption(store)
    .addOption(config)
    .addOption(outputOption())
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action((file: string | undefined, options: Omit<DoctorOptions, 'serverNamed' | 'file'>) =>
      examine({
        ...options,
        ...(file !== undefined && { file }),
        serverNamed: command.getOptionValueSource('server') !== 'default',
      }),
    );
}
