import { RUN_PHASES } from '@trikd/protocol/run-phases';
import { Command, Option } from 'commander';
import {
  eventOption,
  type Format,
  outputOption,
  positiveNumber,
  serverOption,
  timeoutOption,
} from '../../options/options.js';
import type { ServerChoice } from '../../server/ask.js';
import { type SteerOptions, steeringCommand, type Verb } from '../../server/steering.js';
import { type Filter, filterOption, METRIC, type Order, sortOption } from './choose-runs.js';
import { type RunSource, runSourceOf, withSource } from './run-source.js';
import { type TagOptions, tagCommand } from './tag.js';
import { runVerbs } from './verbs.js';

/** Name of a phase. */
export type PhaseName = keyof typeof RUN_PHASES;

/** Format of a list: a table, one with more columns, or for programs. */
export type ListFormat = Format | 'wide' | 'csv';

/** Options of `trikd runs list`. */
export interface ListOptions {
  readonly source: RunSource;
  /** Empty: all phases. */
  readonly phases: readonly PhaseName[];
  /** All of them hold. */
  readonly filters: readonly Filter[];
  /** Absent: by name. */
  readonly order?: Order;
  readonly output: ListFormat;
}

/** Options of `trikd runs get`. */
export interface GetOptions {
  readonly source: RunSource;
  readonly runId: string;
  readonly output: Format;
}

/** Options of `trikd runs compare`. */
export interface CompareOptions {
  readonly source: RunSource;
  readonly runIds: readonly string[];
  /** The settings that differ, and nothing else. */
  readonly specOnly: boolean;
  readonly output: Exclude<ListFormat, 'wide'>;
}

/** A run of an orchestrator. */
interface OneRun extends ServerChoice {
  readonly runId: string;
  readonly output: Format;
}

/** Options of `trikd runs watch`. */
export interface WatchOptions extends OneRun {
  /** First event to show; 0: from now on. */
  readonly fromEvent: number;
  /** Longest time without a connection, in seconds. */
  readonly patience: number;
}

/** Options of `trikd runs wait`. */
export interface WaitOptions extends OneRun {
  readonly phases: readonly PhaseName[];
}

/** The actions of the subcommands. */
export interface RunsActions {
  list(options: ListOptions): Promise<void>;
  get(options: GetOptions): Promise<void>;
  compare(options: CompareOptions): Promise<void>;
  watch(options: WatchOptions): Promise<void>;
  wait(options: WaitOptions): Promise<void>;
  tag(options: TagOptions): Promise<void>;
  steer(verb: Verb, options: SteerOptions): Promise<void>;
}

const STATUS = `
Exit status: 0 done, 1 failed, 2 wrong command line, 3 no such run, 4 no answer.`;

const PLACES = `Without --server and --store, an orchestrator is asked first; when it does not answer or does not have the run, the stores are read that
TRIKD_STORE__* variables or else the folder "runs" name. A store is read without a server, and without a trace in it. A folder is one of
\`trikd run\` or of \`trikd up\`, or a store itself.`;

const LIST_EXAMPLE = `
Example:
  $ trikd runs list
  $ trikd runs list --store runs --sort -${METRIC} --filter method=kd -o wide
  $ trikd runs list --phase training paused --server orchestrator:50050 -o json
  $ trikd runs list --filter student.learningRate=0.05 --sort seed -o csv

${PLACES}
A field of --sort and --filter is run, phase, method, seed, stage, steps, seconds, created, changed, ended, owner, team, a metric such
as ${METRIC} (of the result on the validation split) or test.${METRIC}, or the path of a setting. Filters compare with =, !=, <, <=, > and >=,
which a shell takes for its own unless they are quoted; in a text * stands for any characters. Runs without the field are sorted last.
${STATUS}`;

const GET_EXAMPLE = `
Example:
  $ trikd runs get tiny
  $ trikd runs get tiny --store runs -o yaml

${PLACES}
${STATUS}`;

const COMPARE_EXAMPLE = `
Example:
  $ trikd runs compare seed-1 seed-2 seed-3
  $ trikd runs compare tiny tiny-kd --store runs --spec-only -o json

Shows the results of runs side by side, and the settings in which they differ. JSON and YAML have their validation curves too, over the
steps since the start of each run.
${PLACES}
${STATUS}`;

const WATCH_EXAMPLE = `
Example:
  $ trikd runs watch tiny
  $ trikd runs watch tiny --from-event 1 -o json > events.jsonl

On a terminal the command redraws the state of the run in place; elsewhere, and with --from-event, it prints a line for each event. It
reconnects after a lost connection without missing an event. Ctrl-C stops watching and does not affect the run.
Exit status: 0 the run completed, 1 it failed or was cancelled, 2 wrong command line, 3 no such run, 4 no answer.`;

const WAIT_EXAMPLE = `
Example:
  $ trikd runs wait tiny
  $ trikd runs wait tiny --phase waiting paused --timeout 60

The orchestrator and the run may start later than the command.
Exit status: 0 the run is in one of the phases, 2 wrong command line, 3 it ended in another phase, 4 the time limit passed.`;

/** `trikd runs` */
export function runsCommand(actions: RunsActions): Command {
  const command = new Command('runs')
    .description('Lists and compares runs, and follows and controls those of an orchestrator.')
    .addHelpText('after', '\nExample:\n  $ trikd runs list')
    .exitOverride()
    .showHelpAfterError('(see trikd runs --help)');
  withSource(command.command('list'))
    .description('Lists runs with their scores.')
    .addOption(phaseOption('only runs in these phases').default([]))
    .addOption(filterOption())
    .addOption(sortOption())
    .addOption(formatOption(['table', 'wide', 'json', 'yaml', 'csv']))
    .addHelpText('after', LIST_EXAMPLE)
    .exitOverride()
    .action(async (options: RawList, own: Command) => {
      const { phase: phases, filter: filters, sort: order, output } = options;
      await actions.list({ source: runSourceOf(own), phases, filters, output, ...(order && { order }) });
    });
  withSource(command.command('get'))
    .description('Shows the state of a run.')
    .argument('<run>', 'name of the run')
    .addOption(outputOption())
    .addHelpText('after', GET_EXAMPLE)
    .exitOverride()
    .action((runId: string, { output }: Pick<GetOptions, 'output'>, own: Command) =>
      actions.get({ source: runSourceOf(own), runId, output }),
    );
  withSource(command.command('compare'))
    .description('Compares runs by their scores and their settings.')
    .argument('<runs...>', 'names of two runs or more')
    .option('--spec-only', 'the settings that differ, and nothing else', false)
    .addOption(formatOption(['table', 'json', 'yaml', 'csv']))
    .addHelpText('after', COMPARE_EXAMPLE)
    .exitOverride()
    .action(async (runIds: readonly string[], { specOnly, output }: RawCompare, own: Command) => {
      if (runIds.length < 2)
        own.error("error: missing argument 'runs': two runs or more are compared", { exitCode: 2 });
      if (runIds.length > MOST_COMPARED) {
        own.error(`error: at most ${MOST_COMPARED} runs are compared`, { exitCode: 2 });
      }
      await actions.compare({ source: runSourceOf(own), runIds, specOnly, output });
    });
  reading(command, 'watch', 'Follows a run until it ends.')
    .addOption(
      new Option('--from-event <event>', 'start with this event, such as 1.2; 1: the oldest that is stored')
        .argParser(eventOption)
        .default(0),
    )
    .addOption(
      new Option('--patience <seconds>', 'time limit without a connection').argParser(positiveNumber).default(60),
    )
    .addHelpText('after', WATCH_EXAMPLE)
    .action((runId: string, options: Omit<WatchOptions, 'runId'>) => actions.watch({ runId, ...options }));
  command
    .command('wait')
    .description('Waits until a run is in a phase.')
    .argument('<run>', 'name of the run')
    .addOption(phaseOption('phases to wait for').default(['completed']))
    .addOption(serverOption())
    .addOption(timeoutOption(3600))
    .addOption(outputOption())
    .addHelpText('after', WAIT_EXAMPLE)
    .exitOverride()
    .action((runId: string, { phase, ...options }: Omit<WaitOptions, 'phases' | 'runId'> & RawPhases) =>
      actions.wait({ runId, ...options, phases: phase }),
    );
  command.addCommand(tagCommand(actions.tag));
  for (const verb of runVerbs) command.addCommand(steeringCommand(verb, actions.steer));
  return command;
}

/** A command that reads one run. */
function reading(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .argument('<run>', 'name of the run')
    .addOption(serverOption())
    .addOption(timeoutOption(10))
    .addOption(outputOption())
    .exitOverride();
}

/** Runs that are compared at once, at most: more make no table that can be read. */
const MOST_COMPARED = 50;

interface RawList extends RawPhases {
  readonly filter: readonly Filter[];
  readonly sort?: Order;
  readonly output: ListFormat;
}

type RawCompare = Pick<CompareOptions, 'specOnly' | 'output'>;

function formatOption(formats: readonly ListFormat[]): Option {
  return new Option('-o, --output <format>', 'format of the result').choices(formats).default('table');
}

interface RawPhases {
  readonly phase: readonly PhaseName[];
}

function phaseOption(description: string): Option {
  return new Option('--phase <phases...>', description).choices(Object.keys(RUN_PHASES));
}
