import { Command } from 'commander';
import { type Format, outputOption, serverOption, timeoutOption } from '../options.js';
import type { ServerChoice } from '../server/ask.js';
import { type SteerOptions, steeringCommand, type Verb } from '../server/steering.js';
import { promote } from './promote.js';
import { rollback } from './rollback.js';
import { trigger } from './trigger.js';

/** What `trikd generation list` was asked. */
export interface ListOptions extends ServerChoice {
  readonly runId: string;
  readonly output: Format;
}

/** What the commands do. */
export interface GenerationActions {
  list(options: ListOptions): Promise<void>;
  steer(verb: Verb, options: SteerOptions): Promise<void>;
}

const LIST_EXAMPLE = `
Example:
  $ trikd generation list tiny
  $ trikd generation list tiny -o json

Exit status: 0 done, 1 failed, 2 wrong command line, 3 there is no such run, 4 nobody answered.`;

/** `trikd generation` */
export function generationCommand(actions: GenerationActions): Command {
  const command = new Command('generation')
    .description('Lists the generations of a run, begins the next, and moves the anchor.')
    .addHelpText('after', '\nExample:\n  $ trikd generation list tiny')
    .exitOverride()
    .showHelpAfterError('(trikd generation --help says more)');
  command
    .command('list')
    .description('Lists the generations that have ended, with their scores.')
    .argument('<run>', 'name of the run')
    .addOption(serverOption())
    .addOption(timeoutOption(10))
    .addOption(outputOption())
    .addHelpText('after', LIST_EXAMPLE)
    .exitOverride()
    .action((runId: string, options: Omit<ListOptions, 'runId'>) => actions.list({ runId, ...options }));
  for (const verb of [trigger, promote, rollback]) command.addCommand(steeringCommand(verb, actions.steer));
  return command;
}
