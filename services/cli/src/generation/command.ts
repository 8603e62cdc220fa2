import { Command } from 'commander';
import { type Format, outputOption, serverOption, timeoutOption } from '../options.js';
import type { ServerChoice } from '../server/ask.js';
import { type SteerOptions, steeringCommand, type Verb } from '../server/steering.js';
import { generationVerbs } from './verbs.js';

/** Options of `trikd generation list`. */
export interface ListOptions extends ServerChoice {
  readonly runId: string;
  readonly output: Format;
}

/** The actions of the subcommands. */
export interface GenerationActions {
  list(options: ListOptions): Promise<void>;
  steer(verb: Verb, options: SteerOptions): Promise<void>;
}

const LIST_EXAMPLE = `
Example:
  $ trikd generation list tiny
  $ trikd generation list tiny -o json

Exit status: 0 done, 1 failed, 2 wrong command line, 3 no such run, 4 no answer.`;

/** `trikd generation` */
export function generationCommand(actions: GenerationActions): Command {
  const command = new Command('generation')
    .description('Lists the generations of a run, starts the next one, and moves the anchor.')
    .addHelpText('after', '\nExample:\n  $ trikd generation list tiny')
    .exitOverride()
    .showHelpAfterError('(see trikd generation --help)');
  command
    .command('list')
    .description('Lists the generations that have ended, or the stages of another method, with their scores.')
    .argument('<run>', 'name of the run')
    .addOption(serverOption())
    .addOption(timeoutOption(10))
    .addOption(outputOption())
    .addHelpText('after', LIST_EXAMPLE)
    .exitOverride()
    .action((runId: string, options: Omit<ListOptions, 'runId'>) => actions.list({ runId, ...options }));
  for (const verb of generationVerbs) command.addCommand(steeringCommand(verb, actions.steer));
  return command;
}
