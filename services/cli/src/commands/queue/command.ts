import { Command } from 'commander';
import { DEFAULT_SERVER, type Format, outputOption, serverOption, timeoutOption } from '../../options/options.js';
import type { ServerChoice } from '../../server/ask.js';

/** Options of `trikd queue`. */
export interface QueueOptions extends ServerChoice {
  readonly output: Format;
}

const EXAMPLE = `
Example:
  $ trikd queue
  $ trikd queue --server ${DEFAULT_SERVER} -o json

Runs with a higher priority come first, then those that have waited longer. Only the orchestrator that leads knows the positions of runs.
Exit status: 0 done, 1 failed, 2 wrong command line, 4 no answer.`;

/** `trikd queue` */
export function queueCommand(show: (options: QueueOptions) => Promise<void>): Command {
  return new Command('queue')
    .description('Shows the runs that wait for a trio, in their order, and the runs that have one.')
    .addOption(serverOption())
    .addOption(timeoutOption(10))
    .addOption(outputOption())
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action(show);
}
