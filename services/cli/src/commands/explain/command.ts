import { Command } from 'commander';
import { overrideOption } from '../../options/args.js';
import type { Override } from '../../options/load-spec.js';
import { wholeNumber } from '../../options/options.js';

/** Options of `trikd explain`. */
export interface ExplainOptions {
  readonly file: string;
  readonly overrides: readonly Override[];
  readonly json: boolean;
}

interface RawOptions {
  readonly set: readonly Override[];
  readonly seed?: number;
  readonly json: boolean;
}

const EXAMPLE = `
Example:
  $ trikd explain examples/tiny.yaml
  $ trikd explain examples/fashion-mnist.yaml --set curriculum.generations=5 --json

Nothing is trained. For each stage the command shows who learns from whom, then what the stage costs: a step is one batch, for which each
learner has a forward and a backward pass, one more backward pass for a gate that compares gradients by the params, and each frozen model
that is asked has a forward pass. Validations come on top. The steps are counted from the data, which are read from files as for
\`trikd run\`; where they are not on this machine, passes are counted in epochs.
Exit status: 0 done, 1 the file is no spec of a run, 2 wrong command line.`;

/** `trikd explain` */
export function explainCommand(explain: (options: ExplainOptions) => Promise<void>): Command {
  return new Command('explain')
    .description('Shows the stages that a run will have: who learns from whom, and what it costs.')
    .argument('<file>', 'YAML file with the spec of the run')
    .addOption(overrideOption())
    .option('--seed <n>', 'override the seed', wholeNumber)
    .option('--json', 'print JSON', false)
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action(async (file: string, { set, seed, json }: RawOptions) => {
      const overrides = seed === undefined ? set : [...set, { path: ['seed'], value: String(seed) }];
      await explain({ file, overrides, json });
    });
}
