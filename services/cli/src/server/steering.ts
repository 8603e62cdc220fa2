import { randomUUID } from 'node:crypto';
import type { Run } from '@trikd/protocol/gen/node/trikd/v1/run';
import { Command } from 'commander';
import { type Format, outputOption, requestIdOption, serverOption, timeoutOption, wholeNumber } from '../options.js';
import type { Asking, ServerChoice } from './ask.js';

/** A request that changes a run. */
export interface Change {
  readonly runId: string;
  /** The same again does nothing again. */
  readonly requestId: string;
  /** Of those that name one; 0 for others. */
  readonly generation: number;
}

/** A verb that changes a run. */
export interface Verb {
  readonly name: string;
  readonly summary: string;
  /** Below `Example:`, and what else is to be said. */
  readonly example: string;
  /** Whether a generation is named. */
  readonly namesGeneration?: boolean;
  /** What is asked before it is done, where it cannot be undone. */
  readonly question?: (runId: string) => string;
  /** Resolves with the run as it stands now; without one when it is gone. */
  readonly ask: (asking: Asking, change: Change) => Promise<Run | undefined>;
  /** One sentence for a person. */
  readonly said: (runId: string, run: Run | undefined) => string;
}

/** What a verb was asked. */
export interface SteerOptions extends ServerChoice, Change {
  readonly output: Format;
  /** Nothing is asked back. */
  readonly yes: boolean;
}

interface RawOptions extends ServerChoice {
  readonly output: Format;
  readonly requestId?: string;
  readonly yes?: boolean;
}

/** Resting at a committed pair can take as long as a step and its upload. */
const TIMEOUT = 120;

/** The command of a verb. */
export function steeringCommand(verb: Verb, steer: (verb: Verb, options: SteerOptions) => Promise<void>): Command {
  const command = new Command(verb.name).description(verb.summary).argument('<run>', 'name of the run');
  if (verb.namesGeneration) command.argument('<generation>', 'its number, from 0', wholeNumber);
  command
    .addOption(serverOption())
    .addOption(timeoutOption(TIMEOUT))
    .addOption(requestIdOption())
    .addOption(outputOption());
  if (verb.question) command.option('-y, --yes', 'do not ask whether it is meant', false);
  return command
    .addHelpText(
      'after',
      `\nExample:\n${verb.example}\n\nExit status: 0 done, 1 failed, 2 wrong command line, 3 refused as the run is, 4 nobody answered.`,
    )
    .exitOverride()
    .action(async (runId: string, ...rest: readonly unknown[]) => {
      const generation = typeof rest[0] === 'number' ? rest[0] : 0;
      const { server, timeout, output, requestId, yes } = command.opts<RawOptions>();
      const change = { runId, generation, requestId: requestId ?? randomUUID() };
      await steer(verb, { ...change, server, timeout, output, yes: yes ?? verb.question === undefined });
    });
}
