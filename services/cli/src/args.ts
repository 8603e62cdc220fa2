import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import type { Override } from './load-spec.js';
import { address, requestIdOption, timeoutOption, wholeNumber } from './options.js';
import type { ServerChoice } from './server/ask.js';

/** What `trikd run` was asked. */
export interface RunOptions {
  readonly file: string;
  readonly overrides: readonly Override[];
  /** Folder that gets a folder for each run; absent: `runs`, with the store that the environment names. */
  readonly store?: string;
  readonly output: 'table' | 'json';
  /** Removes what a former run of the same name left. */
  readonly fresh: boolean;
  /** host:port of the orchestrator that is started; absent: any free port of this machine. */
  readonly listen?: string;
}

/** What `trikd run --server` was asked. */
export interface RemoteRunOptions extends Pick<RunOptions, 'file' | 'overrides' | 'output'>, ServerChoice {
  readonly requestId: string;
  /** Follows the run to its end. */
  readonly wait: boolean;
}

/** What `trikd run` does. */
export interface RunActions {
  /** Starts the services of a run, and waits for its end. */
  run(options: RunOptions): Promise<void>;
  /** Creates the run at an orchestrator. */
  runRemote(options: RemoteRunOptions): Promise<void>;
}

const RUN_EXAMPLE = `
Example:
  $ trikd run examples/tiny.yaml
  $ trikd run examples/fashion-mnist.yaml --seed 1 --set name=seed-1 --set student.learningRate=0.1

  $ trikd run examples/tiny.yaml --server orchestrator:50050 --no-wait

Ctrl-C rests the run at a checkpoint; the same command continues it. With --server nothing is started: the run is created at an
orchestrator that is there, and Ctrl-C leaves it alone. What happened lies in <store>/<run>: events.jsonl, tensorboard/, report.html, logs/.
Exit status: 0 when the run completed or rests, 1 when it failed, 2 for a wrong command line; with --server also 3 when the
orchestrator refused, 4 when it did not answer.`;

interface RawOptions {
  readonly listen?: string;
  readonly server?: string;
  readonly timeout: number;
  readonly requestId?: string;
  readonly wait: boolean;
  readonly set: readonly Override[];
  readonly seed?: number;
  readonly store?: string;
  readonly output: 'table' | 'json';
  readonly fresh: boolean;
}

/** The command line as far as it has `trikd run`. */
export function commandLine(actions: RunActions): Command {
  const program = new Command('trikd')
    .description('Triplet Knowledge Distillation: a student, a teacher and a frozen anchor learn together.')
    .version(version(), '--version', 'print the version')
    .addHelpText('after', '\nExample:\n  $ trikd run examples/tiny.yaml')
    .exitOverride()
    .showHelpAfterError('(trikd --help says more)');
  program
    .command('run')
    .description('Trains a run: starts the four services, shows what they do, and continues where it was stopped.')
    .argument('<file>', 'YAML with the spec of the run')
    .option('--set <path=value>', 'override a setting of the file, such as epochs=10; repeatable', override, [])
    .option('--seed <n>', 'override the seed', wholeNumber)
    .option('--store <dir>', 'folder that gets a folder for each run (default: "runs")')
    .option('--fresh', 'remove what a run of this name left, and begin anew', false)
    .option('--listen <host:port>', 'address of its orchestrator, for other commands (default: any free port)', address)
    .addOption(
      new Option('--server <host:port>', 'create the run at this orchestrator and start no service')
        .argParser(address)
        .conflicts(['store', 'fresh', 'listen']),
    )
    .option('--no-wait', 'with --server: do not follow the run to its end')
    .addOption(timeoutOption(30))
    .addOption(requestIdOption())
    .addOption(new Option('-o, --output <format>', 'of the result').choices(['table', 'json']).default('table'))
    .addHelpText('after', RUN_EXAMPLE)
    .exitOverride()
    .action(async (file: string, raw: RawOptions) => {
      const { set, seed, store, output, fresh, listen, server, timeout, wait, requestId = randomUUID() } = raw;
      const overrides = seed === undefined ? set : [...set, { path: ['seed'], value: String(seed) }];
      const common = { file, overrides, output };
      if (server !== undefined) await actions.runRemote({ ...common, server, timeout, wait, requestId });
      else
        await actions.run({
          ...common,
          fresh,
          ...(store !== undefined && { store }),
          ...(listen !== undefined && { listen }),
        });
    });
  return program;
}

/** The version in the package of this command. */
function version(): string {
  const file = new URL('../package.json', import.meta.url);
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8'))).version;
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
