import { randomUUID } from 'node:crypto';
import type { Run } from '@trikd/protocol/gen/node/trikd/v1/run';
import { Command } from 'commander';
import {
  type Format,
  outputOption,
  requestIdOption,
  serverOption,
  timeoutOption,
  wholeNumber,
} from '../options/options.js';
import { type Asking, type ServerChoice, serverChoiceOf } from './ask.js';

/** A request that changes a run. */
export interface Change {
  readonly runId: string;
  /** A request that was applied is not applied again. */
  readonly requestId: string;
  /** 0 for verbs that name none. */
  readonly stage: number;
}

/** A command that changes a run. */
export interface Verb {
  readonly name: string;
  readonly summary: string;
  /** Help below `Example:`. */
  readonly example: string;
  /** Whether the command names a generation. */
  readonly namesGeneration?: boolean;
  /** Asked before a change that cannot be undone. */
  readonly question?: (runId: string) => string;
  /** Resolves with the changed run, or with undefined when it no longer exists. */
  readonly request: (asking: Asking, change: Change) => Promise<Run | undefined>;
  /** The result, in one sentence. */
  readonly describe: (runId: string, run: Run | undefined) => string;
}

/** Options of a command that changes a run. */
export interface SteerOptions extends ServerChoice, Change {
  readonly output: Format;
  /** Skips the question. */
  readonly yes: boolean;
}

interface RawOptions extends ServerChoice {
  readonly output: Format;
  readonly requestId?: string;
  readonly yes?: boolean;
}

/** Reaching a checkpoint of both models can take as long as a step and its upload, in seconds. */
const TIMEOUT = 120;

/** The subcommand of a verb. */
export function steeringCommand(verb: Verb, steer: (verb: Verb, options: SteerOptions) => Promise<void>): Command {
  const command = new Command(verb.name).description(verb.summary).argument('<run>', 'name of the run');
  if (verb.namesGeneration) command.argument('<generation>', 'index of its stage, from 0', wholeNumber);
  command
    .addOption(serverOption())
    .addOption(timeoutOption(TIMEOUT))
    .addOption(requestIdOption())
    .addOption(outputOption());
  if (verb.question) command.option('-y, --yes', 'skip the question', false);
  return command
    .addHelpText(
      'after',
      `\nExample:\n${verb.example}\n\nExit status: 0 done, 1 failed, 2 wrong command line, 3 no such run or rejected, 4 no answer.`,
    )
    .exitOverride()
    .action(async (runId: string, ...rest: readonly unknown[]) => {
      const stage = typeof rest[0] === 'number' ? rest[0] : 0;
      const { output, requestId, yes, ...choice } = command.opts<RawOptions>();
      const change = { runId, stage, requestId: requestId ?? randomUUID() };
      await steer(verb, { ...change, ...serverChoiceOf(choice), output, yes: yes ?? verb.question === undefined });
    });
}
