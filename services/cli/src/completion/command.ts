import { Argument, Command } from 'commander';
import { candidates, type Names } from './candidates.js';
import { SCRIPTS, type ShellName } from './scripts.js';

const EXAMPLE = `
Example:
  $ source <(trikd completion bash)
  $ trikd completion zsh > "\${fpath[1]}/_trikd"
  $ trikd completion fish > ~/.config/fish/completions/trikd.fish

The first line is for ~/.bashrc.`;

/** `trikd completion`, and the hidden command that its scripts call. */
export function completionCommands(
  program: Command,
  names: Names,
  print: (text: string) => void,
): readonly [Command, Command] {
  const completion = new Command('completion')
    .description('Prints a script that completes trikd commands in a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action((shell: ShellName) => print(SCRIPTS[shell]));
  const complete = new Command('__complete')
    .argument('[words...]')
    .exitOverride()
    .action((words: readonly string[]) => {
      const found = candidates(program, words, names);
      if (found.length > 0) print(found.join('\n'));
    });
  return [completion, complete];
}
