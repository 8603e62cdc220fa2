import { RUN_PHASES } from '@trikd/protocol/run-phases';
import { Command, Option } from 'commander';
import { eventOption, type Format, outputOption, positiveNumber, serverOption, timeoutOption } from '../options.js';
import type { ServerChoice } from '../server/ask.js';
import { type SteerOptions, steeringCommand, type Verb } from '../server/steering.js';
import { cancel } from './cancel.js';
import { deleteRun } from './delete.js';
import { pause } from './pause.js';
import { resume } from './resume.js';

/** The phases that a list can be narrowed to. */
export type PhaseName = keyof typeof RUN_PHASES;

/** What `trikd runs list` was asked. */
export interface ListOptions extends ServerChoice {
  /** None: all. */
  readonly phases: readonly PhaseName[];
  readonly output: Format;
}

/** What `trikd runs get` was asked. */
export interface GetOptions extends ServerChoice {
  readonly runId: string;
  readonly output: Format;
}

/** What `trikd runs watch` was asked. */
export interface WatchOptions extends GetOptions {
  /** First event wanted; 0: from now on. */
  readonly fromEvent: number;
  /** Longest time without a connection, in seconds. */
  readonly patience: number;
}

/** What `trikd runs wait` was asked. */
export interface WaitOptions extends GetOptions {
  readonly phases: readonly PhaseName[];
}

/** What the commands do. */
export interface RunsActions {
  list(options: ListOptions): Promise<void>;
  get(options: GetOptions): Promise<void>;
  watch(options: WatchOptions): Promise<void>;
  wait(options: WaitOptions): Promise<void>;
  steer(verb: Verb, options: SteerOptions): Promise<void>;
}

const STATUS = `
Exit status: 0 done, 1 failed, 2 wrong command line, 3 there is no such run, 4 nobody answered.`;

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

On a terminal it draws a picture in place; elsewhere, and with --from-event, it writes a line an event. A connection that is lost is made
again after the last event that was read. It ends when the run does: with 0 when it completed, 1 when it failed or was cancelled. Ctrl-C
stops watching and leaves the run alone.`;

const WAIT_EXAMPLE = `
Example:
  $ trikd runs wait tiny
  $ trikd runs wait tiny --phase waiting paused --timeout 60

Also waits for an orchestrator that is not there yet, and for a run that is not.
Exit status: 0 it is in one of the phases, 2 wrong command line, 3 the run has ended otherwise, 4 the time is over.`;

/** `trikd runs` */
export function runsCommand(actions: RunsActions): Command {
  const command = new Command('runs')
    .description('Lists, follows and steers the runs of an orchestrator.')
    .addHelpText('after', '\nExample:\n  $ trikd runs list')
    .exitOverride()
    .showHelpAfterError('(trikd runs --help says more)');
  command
    .command('list')
    .description('Lists all runs by name.')
    .addOption(phaseOption('only runs in these phases').default([]))
    .addOption(serverOption())
    .addOption(timeoutOption(10))
    .addOption(outputOption())
    .addHelpText('after', LIST_EXAMPLE)
    .exitOverride()
    .action(({ phase, ...options }: Omit<ListOptions, 'phases'> & RawPhases) =>
      actions.list({ ...options, phases: phase }),
    );
  reading(command, 'get', 'Shows where a run stands.')
    .addHelpText('after', GET_EXAMPLE)
    .action((runId: string, options: Omit<GetOptions, 'runId'>) => actions.get({ runId, ...options }));
  reading(command, 'watch', 'Follows a run until it ends.')
    .addOption(
      new Option('--from-event <event>', 'begin with this event, such as 1.2; 1: all that are kept')
        .argParser(eventOption)
        .default(0),
    )
    .addOption(
      new Option('--patience <seconds>', 'longest time without a connection').argParser(positiveNumber).default(60),
    )
    .addHelpText('after', WATCH_EXAMPLE)
    .action((runId: string, options: Omit<WatchOptions, 'runId'>) => actions.watch({ runId, ...options }));
  command
    .command('wait')
    .description('Waits until a run is in a phase.')
    .argument('<run>', 'name of the run')
    .addOption(phaseOption('for these phases').default(['completed']))
    .addOption(serverOption())
    .addOption(timeoutOption(3600))
    .addOption(outputOption())
    .addHelpText('after', WAIT_EXAMPLE)
    .exitOverride()
    .action((runId: string, { phase, ...options }: Omit<WaitOptions, 'phases' | 'runId'> & RawPhases) =>
      actions.wait({ runId, ...options, phases: phase }),
    );
  for (const verb of [pause, resume, cancel, deleteRun]) command.addCommand(steeringCommand(verb, actions.steer));
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
