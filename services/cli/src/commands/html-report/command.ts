import { Command } from 'commander';
import { type EventSource, sourceOf, sourceOptions } from '../export-events/event-source.js';

/** Options of `trikd report`. */
export interface ReportOptions {
  readonly from: EventSource;
  /** Path of the page. */
  readonly out: string;
}

const EXAMPLE = `
Example:
  $ trikd report tiny
  $ trikd report tiny --out tiny.html --server orchestrator:50050

The page is one file with its plots and needs no network. \`trikd run\` writes one at its end.
A server named by TRIKD_SERVER comes first; the folder of the run is read when that server does not have the run or does not answer.
Exit status: 0 done, 1 failed, 2 wrong command line, 3 no such run, 4 no answer.`;

/** `trikd report` */
export function reportCommand(write: (options: ReportOptions) => Promise<void>): Command {
  const command = new Command('report')
    .description('Writes the course and the result of a run as one page of HTML.')
    .argument('<run>', 'name of the run');
  for (const option of sourceOptions()) command.addOption(option);
  return command
    .option('-o, --out <file>', 'path of the page (default: <run>.html)')
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action(async (runId: string) => {
      const { out = `${runId}.html` } = command.opts<{ readonly out?: string }>();
      await write({ from: sourceOf(runId, command), out });
    });
}
