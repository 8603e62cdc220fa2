import { type Command, Option } from 'commander';
import { assertPlaced, type PlacingOptions, placingOf, remoteOption, withPlacing } from '../../../options/args.js';
import { positiveNumber, positiveWholeNumber, timeoutOption } from '../../../options/options.js';
import { type ServerChoice, serverChoiceOf } from '../../../server/ask.js';
import type { StudyServer } from './train-at-server.js';

/** What a command line says of a server that trains the runs of a study or a search. */
export interface RawStudyServer extends Omit<ServerChoice, 'server'>, PlacingOptions {
  readonly server?: string;
  readonly patience: number;
}

/** `--workers N` */
export function workersOption(): Option {
  return new Option(
    '--workers <n>',
    'runs at once (default: processors divided by the threads of a run; with --server, as many as it has trios)',
  ).argParser(positiveWholeNumber);
}

/** Adds the options of a command whose runs an orchestrator can train. */
export function withStudyServer(command: Command): Command {
  command.addOption(remoteOption('train the runs at this orchestrator, which places them on its trios'));
  return withPlacing(command)
    .addOption(timeoutOption(30))
    .addOption(
      new Option('--patience <seconds>', 'with --server: time limit without a connection')
        .argParser(positiveNumber)
        .default(600),
    );
}

/** Undefined: the runs train on this machine. Ends a command line that has a placement without a server. */
export function studyServerOf(raw: RawStudyServer, command: Command): StudyServer | undefined {
  assertPlaced(command, raw, 'runs train on this machine without it');
  const { server, patience } = raw;
  return server === undefined
    ? undefined
    : { ...serverChoiceOf({ ...raw, server }), placing: placingOf(raw), patience };
}
