import { Command } from 'commander';
import { type EventSource, sourceOf, sourceOptions } from '../export-events/event-source.js';

/** What `trikd report` was asked. */
export interface ReportOptions {
  readonly from: EventSource;
  /** File. */
  readonly out: string;
}

const EXAMPLE = `
Example:
  $ trikd report tiny
  $ trikd report tiny --out tiny.html --server orchestrator:50050

One file of HTML with everything in it, plots too: it opens from the disk, without a network. \`trikd run\` leaves one at its end.
Exit status: 0 done, 1 failed, 2 wrong command line, 3 there is no such run, 4 nobody answered.`;

/** `trikd report` */
export function reportCommand(write: (options: ReportOptions) => Promise<void>): Command {
  const command = new Command('report')
    .description('Writes what a run did and came to as one page of HTML.')
    .argument('<run>', 'name of the run');
  for (const option of sourceOptions()) command.addOption(option);
  return command
    .option('-o, --out <file>', 'the page; default: <run>.html')
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action(async (runId: string) => {
      const { out = `${runId}.html` } = command.opts<{ readonly out?: string }>();
      await write({ from: sourceOf(runId, command), out });
    });
}
