import { Command } from 'commander';
import { overrideOption } from '../args.js';
import type { Override } from '../load-spec.js';
import { type Format, outputOption, wholeNumber } from '../options.js';

/** Options of `trikd tune`. */
export interface TuneOptions {
  readonly file: string;
  readonly overrides: readonly Override[];
  /** Folder of the results; absent: studies/NAME. */
  readonly out?: string;
  /** Runs at once; absent: as many as the processors allow. */
  readonly workers?: number;
  readonly output: Format;
}

interface RawOptions {
  readonly set: readonly Override[];
  readonly out?: string;
  readonly workers?: number;
  readonly output: Format;
}

const EXAMPLE = `
Example:
  $ trikd tune examples/studies/tune-trikd.yaml

Successive halving (Jamieson, Talwalkar, AISTATS 2016): points of the space are drawn at random and trained for a share of the epochs; the
best third, by the mean over the seeds on the validation split, goes on to three times as many. The test split decides nothing. The settings
of the best point are written as a file for \`trikd run\`. The same command continues a search that was stopped.
Exit status: 0 done, 1 failed, 2 wrong command line, 130 stopped.`;

/** `trikd tune` */
export function tuneCommand(tune: (options: TuneOptions) => Promise<void>): Command {
  return new Command('tune')
    .description('Searches settings, such as weights, temperatures and learning rates, by validation.')
    .argument('<file>', 'YAML file of the search')
    .addOption(overrideOption())
    .option('--out <dir>', 'folder of the results (default: studies/<name>)')
    .option('--workers <n>', 'runs at once (default: processors divided by the threads of a run)', wholeNumber)
    .addOption(outputOption())
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action(async (file: string, { set, ...options }: RawOptions) => {
      await tune({ ...options, file, overrides: set });
    });
}
