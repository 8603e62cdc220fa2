import { unary } from '@trikd/transport/grpc/clients';
import { Command } from 'commander';
import { type Format, outputOption, serverOption, timeoutOption } from '../../options/options.js';
import type { ServerChoice } from '../../server/ask.js';
import { type SteerOptions, steeringCommand, type Verb } from '../../server/steering.js';
import { runDescription } from '../runs/verbs.js';

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
    .description('Lists the stages of a run that have ended, starts the next generation, and moves the anchor.')
    .addHelpText('after', '\nExample:\n  $ trikd generation list tiny')
    .exitOverride()
    .showHelpAfterError('(see trikd generation --help)');
  command
    .command('list')
    .description('Lists the stages that have ended, such as generations, with their scores.')
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

const trigger: Verb = {
  name: 'trigger',
  summary: 'Starts the next generation of a run that is waiting.',
  example:
    '  $ trikd generation trigger tiny\n\nRuns with `advance: manual` in their spec wait before each generation except the first.',
  request: async ({ client, how }, { runId, requestId }) =>
    (await unary(client.triggerGeneration.bind(client), { runId, requestId }, how)).run,
  describe: runDescription,
};

const promote: Verb = {
  name: 'promote',
  summary: 'Makes the student of a generation the anchor although the rule did not promote it.',
  example: '  $ trikd generation promote tiny 1\n\nA generation in training starts again with the new anchor.',
  namesGeneration: true,
  request: async ({ client, how }, change) => (await unary(client.promoteGeneration.bind(client), change, how)).run,
  describe: runDescription,
};

const rollback: Verb = {
  name: 'rollback',
  summary: 'Makes the student of an earlier, promoted generation the anchor again.',
  example: '  $ trikd generation rollback tiny 0\n\nA generation in training starts again with the earlier anchor.',
  namesGeneration: true,
  request: async ({ client, how }, change) => (await unary(client.rollbackAnchor.bind(client), change, how)).run,
  describe: runDescription,
};

/** The verbs of `trikd generation`, in the order of its help. */
const generationVerbs: readonly Verb[] = [trigger, promote, rollback];
