import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { PlacementRequest } from '@trikd/protocol/gen/node/trikd/v1/run';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { tagOption } from '../commands/runs/tag.js';
import { type Connection, type ServerChoice, serverChoiceOf } from '../server/ask.js';
import type { Override } from './load-spec.js';
import { address, priority, requestIdOption, serverAddress, timeoutOption, tlsOption, wholeNumber } from './options.js';

/** Options of `trikd run`. */
export interface RunOptions {
  readonly file: string;
  readonly overrides: readonly Override[];
  /** Folder that gets a folder for each run; absent: `runs`, with the store that the environment names. */
  readonly store?: string;
  readonly output: 'table' | 'json';
  /** Removes the stored run of the same name first. */
  readonly fresh: boolean;
  /** Address of the orchestrator that is started; absent: any free port. */
  readonly listen?: string;
  /** Folder of certificates; absent: plain text within this machine. */
  readonly tls?: string;
  /** Whether all models train in one process. */
  readonly inProcess: boolean;
  /** Absent: none. */
  readonly tags?: readonly string[];
}

/** Options of `trikd run --server`. */
export interface RemoteRunOptions extends Pick<RunOptions, 'file' | 'overrides' | 'output' | 'tags'>, ServerChoice {
  readonly requestId: string;
  readonly placing: Placing;
  /** Whether to follow the run to its end. */
  readonly wait: boolean;
}

/** The two kinds of `trikd run`. */
export interface RunActions {
  /** Starts the services of a run and waits for its end. */
  run(options: RunOptions): Promise<void>;
  /** Creates the run at a running orchestrator. */
  runRemote(options: RemoteRunOptions): Promise<void>;
}

const RUN_EXAMPLE = `
Example:
  $ trikd run examples/tiny.yaml
  $ trikd run examples/fashion-mnist.yaml --seed 1 --set name=seed-1 --set student.learningRate=0.1
  $ trikd run report.html --set name=again
  $ trikd run examples/tiny.yaml --in-process

  $ trikd run examples/tiny.yaml --server orchestrator:50050 --no-wait --priority 10

Ctrl-C pauses the run at a checkpoint; the same command continues it, with or without --in-process. The folder runs/<run>, or <dir>/<run> with --store, has its
events.jsonl, tensorboard/, report.html and logs/, and its store unless TRIKD_STORE__* variables name another one.
With --server the command starts no service: it creates the run at a running orchestrator, and Ctrl-C does not affect the run.
Exit status: 0 completed or paused, 1 failed, 2 wrong command line, 3 the run exists with another spec or was rejected, 4 no answer.`;

interface RawOptions extends Partial<Connection>, PlacingOptions {
  readonly listen?: string;
  readonly tls?: string;
  readonly timeout: number;
  readonly requestId?: string;
  readonly wait: boolean;
  readonly set: readonly Override[];
  readonly seed?: number;
  readonly store?: string;
  readonly output: 'table' | 'json';
  readonly fresh: boolean;
  readonly inProcess: boolean;
  readonly tag?: readonly string[];
}

/** The program with `trikd run`, its first command. */
export function commandLine(actions: RunActions): Command {
  const program = new Command('trikd')
    .description('Triplet Knowledge Distillation: trains a student and a teacher beside a frozen anchor.')
    .version(version(), '--version', 'print the version')
    .addHelpText('after', '\nExample:\n  $ trikd run examples/tiny.yaml')
    .exitOverride()
    .showHelpAfterError('(see trikd --help)');
  const command = program
    .command('run')
    .description('Trains a run: starts its services, shows their progress, and continues a stored run.')
    .argument('<file>', 'YAML file with the spec of the run, or a report, which holds one')
    .addOption(overrideOption())
    .option('--seed <n>', 'override the seed', wholeNumber)
    .option('--store <dir>', 'folder with a folder for each run (default: "runs")')
    .option('--in-process', 'train all models in one process, with the same result: it needs less memory', false)
    .option('--fresh', 'remove the stored run of this name first', false)
    .option('--listen <host:port>', 'address of its orchestrator, for other commands (default: any free port)', address)
    .addOption(tagOption())
    .addOption(tlsOption().conflicts('server'))
    .addOption(
      remoteOption('create the run at this orchestrator and start no service').conflicts([
        'store',
        'fresh',
        'listen',
        'inProcess',
      ]),
    );
  withPlacing(command)
    .option('--no-wait', 'with --server: do not follow the run to its end')
    .addOption(timeoutOption(30))
    .addOption(requestIdOption())
    .addOption(new Option('-o, --output <format>', 'format of the result').choices(['table', 'json']).default('table'))
    .addHelpText('after', RUN_EXAMPLE)
    .exitOverride()
    .action(async (file: string, raw: RawOptions) => {
      const { set, seed, store, output, fresh, inProcess, listen, tls, server, wait, requestId = randomUUID() } = raw;
      assertPlaced(command, raw, 'a run without it has a trio of its own');
      const overrides = seed === undefined ? set : [...set, { path: ['seed'], value: String(seed) }];
      const common = { file, overrides, output, ...(raw.tag && { tags: raw.tag }) };
      if (server !== undefined)
        await actions.runRemote({
          ...common,
          ...serverChoiceOf({ ...raw, server }),
          wait,
          requestId,
          placing: placingOf(raw),
        });
      else
        await actions.run({
          ...common,
          fresh,
          inProcess,
          ...(store !== undefined && { store }),
          ...(listen !== undefined && { listen }),
          ...(tls !== undefined && { tls }),
        });
    });
  return program;
}

/** The version in the package of this command. */
export function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8'))).version;
}

/** Exit status of an error of commander: 0 for help and version, else 2 for a wrong command line. */
export function exitStatusOf(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : 2;
}

/** `--set PATH=VALUE` */
export function overrideOption(): Option {
  return new Option(
    '--set <path=value>',
    'override a setting, such as epochs=10, or remove it: teacher=null; repeatable',
  )
    .argParser(override)
    .default([]);
}

function override(text: string, before: readonly Override[]): readonly Override[] {
  const [, path, value] = /^([A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*)=(.*)$/s.exec(text) ?? [];
  if (path === undefined || value === undefined) throw new InvalidArgumentError('Expected a.b=value.');
  return [...before, { path: path.split('.'), value }];
}

/** What a run that is created at an orchestrator asks of its placement, and who owns it. */
export interface Placing {
  readonly placement: PlacementRequest;
  /** Empty: the only one of the caller, or none. */
  readonly team: string;
}

/** The options as they are written. */
export interface PlacingOptions {
  /** -100..100. */
  readonly priority?: number;
  /** Kind of trio; absent: the default one of the orchestrator. */
  readonly class?: string;
  /** Queue of the cluster; absent: the default one of the orchestrator. */
  readonly queue?: string;
  /** That owns the run, for a person who is in several. */
  readonly team?: string;
}

/** `--server ADDRESS` of a command that does without one otherwise. */
export function remoteOption(description: string): Option {
  return new Option('--server <address>', description).argParser(serverAddress);
}

/** Adds the options of a command that creates runs with `--server`. */
export function withPlacing(command: Command): Command {
  return command
    .option('--priority <n>', 'with --server: from -100 to 100; higher ones get a trio first (default: 0)', priority)
    .option('--class <name>', 'with --server: kind of trio, such as gpu (default: the one of the orchestrator)')
    .option('--queue <name>', 'with --server: queue of the cluster (default: the one of the orchestrator)')
    .option('--team <team>', 'with --server: your team that owns the run (default: your only one, or none)');
}

export function placingOf({ priority: order = 0, class: kind = '', queue = '', team = '' }: PlacingOptions): Placing {
  return { placement: { class: kind, queue, priority: order }, team };
}

/** Ends a command that has an option of a placement but no `--server`. @param why names what runs are placed on without it */
export function assertPlaced(
  command: Command,
  { server, ...options }: PlacingOptions & { readonly server?: string },
  why: string,
): void {
  const ofPlacement = {
    '--priority <n>': options.priority,
    '--class <name>': options.class,
    '--queue <name>': options.queue,
  };
  for (const [option, value] of Object.entries(ofPlacement)) {
    if (server !== undefined || value === undefined) continue;
    command.error(`error: option '${option}' needs --server: ${why}`, { exitCode: 2 });
  }
}
