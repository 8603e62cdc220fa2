import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Override } from './load-spec.js';
import { wholeNumber } from './options.js';

/** What `trikd run` was asked. */
export interface RunOptions {
  readonly file: string;
  readonly overrides: readonly Override[];
  /** Folder that gets a folder for each run. */
  readonly store: string;
  readonly output: 'table' | 'json';
  /** Removes what a former run of the same name left. */
  readonly fresh: boolean;
}

const RUN_EXAMPLE = `
Example:
  $ trikd run examples/tiny.yaml
  $ trikd run examples/fashion-mnist.yaml --seed 1 --set name=seed-1 --set student.learningRate=0.1

Ctrl-C rests the run at a checkpoint; the same command continues it. Exit status: 0 when the run completed or rests,
1 when it failed, 2 for a wrong command line.`;

interface RawOptions {
  readonly set: readonly Override[];
  readonly seed?: number;
  readonly store: string;
  readonly output: 'table' | 'json';
  readonly fresh: boolean;
}

/** The command line. `run` is called with what `trikd run` was asked. */
export function commandLine(run: (options: RunOptions) => Promise<void>): Command {
  const program = new Command('trikd')
    .description('Triplet Knowledge Distillation: a student, a teacher and a frozen anchor learn together.')
    .addHelpText('after', '\nExample:\n  $ trikd run examples/tiny.yaml')
    .exitOverride()
    .showHelpAfterError('(trikd --help says more)');
  program
    .command('run')
    .description('Trains a run: starts the four services, shows what they do, and continues where it was stopped.')
    .argument('<file>', 'YAML with the spec of the run')
    .option('--set <path=value>', 'override a setting of the file, such as epochs=10; repeatable', override, [])
    .option('--seed <n>', 'override the seed', wholeNumber)
    .option('--store <dir>', 'folder that gets a folder for each run', 'runs')
    .option('--fresh', 'remove what a run of this name left, and begin anew', false)
    .addOption(new Option('-o, --output <format>', 'of the result').choices(['table', 'json']).default('table'))
    .addHelpText('after', RUN_EXAMPLE)
    .exitOverride()
    .action(async (file: string, { set, seed, store, output, fresh }: RawOptions) => {
      const overrides = seed === undefined ? set : [...set, { path: ['seed'], value: String(seed) }];
      await run({ file, overrides, store, output, fresh });
    });
  return program;
}

/** Exit status of what commander threw: help is no error, and everything else is a wrong command line. */
export function exitStatusOf(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : 2;
}

function override(text: string, before: readonly Override[]): readonly Override[] {
  const [, path, value] = /^([A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*)=(.*)$/s.exec(text) ?? [];
  if (path === undefined || value === undefined) throw new InvalidArgumentError('Expected a.b=value.');
  return [...before, { path: path.split('.'), value }];
}
