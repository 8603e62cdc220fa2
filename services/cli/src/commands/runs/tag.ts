import { Tag, tagRule } from '@trikd/core/run/stored/tags';
import { unary } from '@trikd/transport/grpc/clients';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Format, serverOption, timeoutOption } from '../../options/options.js';
import type { Asking, ServerChoice } from '../../server/ask.js';

/** Options of `trikd runs tag`. */
export interface TagOptions extends ServerChoice {
  readonly runId: string;
  readonly add: readonly string[];
  readonly remove: readonly string[];
  readonly output: Format;
}

const TAG_EXAMPLE = `
Example:
  $ trikd runs tag tiny +baseline +set=3 -draft
  $ trikd runs tag tiny

A + adds a tag, a - removes one. Without changes, the command prints the tags of the run.
Exit status: 0 done, 1 failed, 2 wrong command line, 3 no such run, 4 no answer.`;

/** `trikd runs tag`. It has no short options: `-o` would be a tag to remove. */
export function tagCommand(act: (options: TagOptions) => Promise<void>): Command {
  const command = new Command('tag')
    .description('Adds tags to a run and removes others.')
    .argument('<run>', 'name of the run')
    .argument('[changes...]', 'tags to add, such as +baseline, and to remove, such as -draft')
    .addOption(serverOption())
    .addOption(timeoutOption(10))
    .addOption(
      new Option('--output <format>', 'format of the result').choices(['table', 'json', 'yaml']).default('table'),
    )
    .helpOption('--help', 'display help for command')
    .allowUnknownOption()
    .addHelpText('after', TAG_EXAMPLE)
    .exitOverride();
  return command.action((runId: string, changes: readonly string[], options: Omit<TagOptions, 'runId'>) => {
    const wrong = changes.find((change) => !/^[+-]/.test(change) || !isTag(change.slice(1)));
    if (wrong !== undefined) {
      command.error(`error: '${wrong}' is neither +TAG nor -TAG: ${tagRule}`, { exitCode: 2 });
    }
    const signed = (sign: string) => changes.filter((each) => each.startsWith(sign)).map((each) => each.slice(1));
    return act({ ...options, runId, add: signed('+'), remove: signed('-') });
  });
}

/** `--tag TAG`, of a command that creates a run. */
export function tagOption(): Option {
  return new Option('--tag <tag>', 'tag by which the run can be found; repeatable').argParser(
    (text: string, before: readonly string[] = []): readonly string[] => {
      if (isTag(text)) return [...before, text];
      throw new InvalidArgumentError(`Expected a tag: ${tagRule}.`);
    },
  );
}

function isTag(text: string): boolean {
  return Tag.safeParse(text).success;
}

/** The tags of a run after a change. One that changes nothing asks for no more than to see the run. */
export async function tagsAfter(
  asking: Asking,
  runId: string,
  change: Pick<TagOptions, 'add' | 'remove'>,
): Promise<readonly string[]> {
  if (change.add.length + change.remove.length > 0) return tagRun(asking, runId, change);
  return (await unary(asking.client.getRun.bind(asking.client), { runId }, asking.how)).tags;
}

/** Changes the tags of a run. @returns all of them, sorted */
export async function tagRun(
  { client, how }: Pick<Asking, 'client'> & { readonly how: Parameters<typeof unary>[2] },
  runId: string,
  { add = [], remove = [] }: { readonly add?: readonly string[]; readonly remove?: readonly string[] },
): Promise<readonly string[]> {
  const request = { runId, add: [...add], remove: [...remove] };
  return (await unary(client.tagRun.bind(client), request, how)).tags;
}
