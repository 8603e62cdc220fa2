import { RUN_PHASES } from '@trikd/protocol/run-phases';
import { Command, Option } from 'commander';
import { eventOption, type Format, outputOption, positiveNumber, serverOption, timeoutOption } from '../options.js';
import type { ServerChoice } from '../server/ask.js';
import { type SteerOptions, steeringCommand, type Verb } from '../server/steering.js';
import { type TagOptions, tagCommand } from './tag.js';
import { runVerbs } from './verbs.js';

/** Name of a phase. */
export type PhaseName = keyof typeof RUN_PHASES;

/** Options of `trikd runs list`. */
export interface ListOptions extends ServerChoice {
  /** Empty: all phases. */
  readonly phases: readonly PhaseName[];
  readonly output: Format;
}

/** Options of `trikd runs get`. */
export interface GetOptions extends ServerChoice {
  readonly runId: string;
  readonly output: Format;
}

/** Options of `trikd runs watch`. */
export interface WatchOptions extends GetOptions {
  /** First event to show; 0: from now on. */
  readonly fromEvent: number;
  /** Longest time without a connection, in seconds. */
  readonly patience: number;
}

/** Options of `trikd runs wait`. */
export interface WaitOptions extends GetOptions {
  readonly phases: readonly PhaseName[];
}

/** The actions of the subcommands. */
export interface RunsActions {
  list(options: ListOptions): Promise<void>;
  get(options: GetOptions): Promise<void>;
  watch(options: WatchOptions): Promise<void>;
  wait(options: WaitOptions): Promise<void>;
  tag(options: TagOptions): Promise<void>;
  steer(verb: Verb, options: SteerOptions): Promise<void>;
}

const STATUS = `
Exit status: 0 done, 1 failed, 2 wrong command line, 3 no such run, 4 no answer.`;

const LIST_EXAMPLE = `
Example:
  $ trikd runs list
  $ trikd runs list --phase training paused --server orchestrator:50050 -o json
${STATUS}`;

const GET_EXAMPLE = `
Example:
  $ trikd runs get tiny
  $ trikd runs get tiny -o yaml
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
    .description('Lists, follows and controls the runs of an orchestrator.')
    .addHelpText('after', '\nExample:\n  $ trikd runs list')
    .exitOverride()
    .showHelpAfterError('(see trikd runs --help)');
  command
    .command('list')
    .description('Lists runs by name.')
    .addOption(phaseOption('only runs in these phases').default([]))
    .addOption(serverOption())
    .addOption(timeoutOption(10))
    .addOption(outputOption())
    .addHelpText('after', LIST_EXAMPLE)
    .exitOverride()
    .action(({ phase, ...options }: Omit<ListOptions, 'phases'> & RawPhases) =>
      actions.list({ ...options, phases: phase }),
    );
  reading(command, 'get', 'Shows the state of a run.')
    .addHelpText('after', GET_EXAMPLE)
    .action((runId: string, options: Omit<GetOptions, 'runId'>) => actions.get({ runId, ...options }));
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

interface RawPhases {
  readonly phase: readonly PhaseName[];
}

function phaseOption(description: string): Option {
  return new Option('--phase <phases...>', description).choices(Object.keys(RUN_PHASES));
}
