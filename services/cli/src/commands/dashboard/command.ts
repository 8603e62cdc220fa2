import { Command } from 'commander';
import { address, type StoreChoice, storeOptions } from '../../options/options.js';

/** Options of `trikd dashboard`. */
export interface DashboardOptions {
  readonly from: StoreChoice;
  /** Address of the page. */
  readonly listen: string;
  /** Whether to open it in a browser. */
  readonly open: boolean;
}

const EXAMPLE = `
Example:
  $ trikd dashboard
  $ trikd dashboard --store runs --listen 127.0.0.1:8080 --open
  $ trikd dashboard --config orchestrator.yaml

Shows all runs of a store without an orchestrator, also those that have ended: a folder of \`trikd run\` or of \`trikd up\`, or a bucket. The
page steers no run, and nothing is written to the store. New runs and events appear as they are stored. Ctrl-C stops it.
Everybody who can connect to this machine's loopback interface can see the page; it cannot listen elsewhere.
Exit status: 0 stopped in order, 1 it could not start, 2 wrong command line, 3 no such folder, 4 the store did not answer.`;

interface RawOptions extends StoreChoice {
  readonly listen: string;
  readonly open: boolean;
}

/** `trikd dashboard` */
export function dashboardCommand(show: (options: DashboardOptions) => Promise<void>): Command {
  const [storeOption, configOption] = storeOptions();
  return new Command('dashboard')
    .description('Serves a web page with all runs of a store, until Ctrl-C.')
    .addOption(storeOption)
    .addOption(configOption)
    .option('--listen <host:port>', 'address of the page; port 0: any', address, '127.0.0.1:0')
    .option('--open', 'open the page in a browser', false)
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action(async ({ store, config, listen, open }: RawOptions) => {
      const from = { ...(store !== undefined && { store }), ...(config !== undefined && { config }) };
      await show({ from, listen, open });
    });
}
