import { MOST_REPLICAS } from '@trikd/core/spec/role-spec';
import { Command, InvalidArgumentError, Option } from 'commander';
import { address, DEFAULT_SERVER, tlsOption } from '../../options/options.js';

/** Options of `trikd up`. */
export interface UpOptions {
  readonly trios: number;
  /** Processes of each trainer. */
  readonly replicas: number;
  readonly orchestrators: number;
  readonly listen: string;
  /** Folder of the stack; absent: `stack`, with the store that the configuration or the environment names. */
  readonly store?: string;
  /** Configuration of the orchestrators. */
  readonly config?: string;
  /** Folder of certificates; absent: plain text within this machine. */
  readonly tls?: string;
  readonly output: 'table' | 'json';
}

/** More processes than a machine can hold. */
const MOST_TRIOS = 64;
/** One leads, the others stand by. */
const MOST_ORCHESTRATORS = 3;

const EXAMPLE = `
Example:
  $ trikd up --trios 2
  $ trikd run examples/tiny.yaml --server ${DEFAULT_SERVER} --no-wait

  $ trikd up --trios 4 --orchestrators 2 --config orchestrator.yaml --store /data/stack

Ctrl-C pauses all runs at a checkpoint and stops; the same command continues them. A service that ends is started again at the same
address. The folder "stack", or <dir>, has logs/ and events/, its store unless TRIKD_STORE__* variables or the configuration name another
one, and store.yaml, with which \`trikd checkpoint list RUN --config stack/store.yaml\` finds the runs. One stack at a time uses a folder.
A trainer computes with as many threads as the spec of its run says (engine.threads), whatever the number of trios: they are part of its
result. Each trio trains two models at once.
Exit status: 0 stopped in order, 1 it could not start, 2 wrong command line, 3 another stack uses the folder, 130 killed by a second Ctrl-C.`;

/** `trikd up` */
export function upCommand(up: (options: UpOptions) => Promise<void>): Command {
  return new Command('up')
    .description('Starts trios and an orchestrator on this machine, for many runs, until Ctrl-C.')
    .option('--trios <n>', 'trios, each of which trains one run at a time', from1to(MOST_TRIOS), 1)
    .option(
      '--replicas <n>',
      'processes of each trainer, for learners with `replicas`; a trainer computes those that have no process',
      from1to(MOST_REPLICAS),
      1,
    )
    .option('--orchestrators <n>', 'orchestrators, of which one leads', from1to(MOST_ORCHESTRATORS), 1)
    .option('--listen <host:port>', 'address of the first orchestrator', address, DEFAULT_SERVER)
    .option('--store <dir>', 'folder of the stack, with its store (default: "stack")')
    .option('--config <file>', 'YAML file with the configuration of the orchestrators')
    .addOption(tlsOption())
    .addOption(
      new Option('-o, --output <format>', 'format of what was started').choices(['table', 'json']).default('table'),
    )
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action(up);
}

function from1to(most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= 1 && number <= most) return number;
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${most}.`);
  };
}
