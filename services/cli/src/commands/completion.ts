import { Argument, Command, type Option } from 'commander';

const EXAMPLE = `
Example:
  $ source <(trikd completion bash)
  $ trikd completion zsh > "\${fpath[1]}/_trikd"
  $ trikd completion fish > ~/.config/fish/completions/trikd.fish

The first line is for ~/.bashrc.`;

/** `trikd completion`, and the hidden command that its scripts call. */
export function completionCommands(
  program: Command,
  names: () => Promise<Names>,
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
    .action(async (words: readonly string[]) => {
      const found = candidates(program, words, await names());
      if (found.length > 0) print(found.join('\n'));
    });
  return [completion, complete];
}

/** Names that only the machine knows, or that take time to list. */
export interface Names {
  /** Runs in the folder of runs. */
  readonly runs: () => readonly string[];
  /** Paths of the settings of a run. */
  readonly settings: () => readonly string[];
}

/**
 * What the last word of a command line can become: a command, a flag, the choice of a flag, the path of a setting after `--set`, or the
 * name of a local run. Empty where it is free, such as a file.
 * @param words without the program; the last one is unfinished
 */
export function candidates(program: Command, words: readonly string[], names: Names): readonly string[] {
  const before = words.slice(0, -1);
  const word = words.at(-1) ?? '';
  return possible(program, before, word, names).filter((one) => one.startsWith(word));
}

function possible(program: Command, before: readonly string[], word: string, names: Names): readonly string[] {
  const { command, values } = position(program, before);
  const flag = optionOf(command, before.at(-1));
  if (flag?.long === '--set') return names.settings().map((path) => `${path}=`);
  if (flag && takesValue(flag)) return flag.argChoices ?? [];
  if (word.startsWith('-')) return flagsOf(command);
  if (command.commands.length > 0) return namesOf(command);
  const { registeredArguments: known } = command;
  const argument = known[values] ?? (known.at(-1)?.variadic ? known.at(-1) : undefined);
  return argument?.name() === 'run' || argument?.name() === 'runs' ? names.runs() : [];
}

/** The command that the words lead to, and how many arguments it has already. */
function position(program: Command, words: readonly string[]): { readonly command: Command; readonly values: number } {
  let [command, values, isValue] = [program, 0, false];
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word);
    const option = optionOf(command, word);
    if (isValue) isValue = false;
    else if (next) command = next;
    else if (option) isValue = takesValue(option);
    else values += 1;
  }
  return { command, values };
}

function optionOf({ options }: Command, word: string | undefined): Option | undefined {
  return options.find(({ long, short }) => word !== undefined && (word === long || word === short));
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function flagsOf({ options }: Command): readonly string[] {
  return [...options.flatMap(({ long, hidden }) => (long && !hidden ? [long] : [])), '--help'];
}

/** The name of a hidden command begins with an underscore. */
function namesOf({ commands }: Command): readonly string[] {
  return commands.map((one) => one.name()).filter((name) => !name.startsWith('_'));
}

/** Scripts that make a shell complete words by `trikd __complete`. */
const SCRIPTS = {
  bash: `_trikd() {
  local IFS=$'\\n'
  COMPREPLY=($(trikd __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _trikd trikd`,
  zsh: `#compdef trikd
_trikd() {
  local -a found
  found=("\${(@f)$(trikd __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n $found[1] ]]; then compadd -a found; else _files; fi
}
# Loaded from fpath, this file is the function at its first call.
if [[ $funcstack[1] == _trikd ]]; then _trikd; else compdef _trikd trikd; fi`,
  fish: `function __trikd_complete
  set -l before (commandline -opc)
  set -l found (trikd __complete -- $before[2..] (commandline -ct) 2>/dev/null)
  if set -q found[1]
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c trikd -f -a '(__trikd_complete)'`,
} as const;

/** A shell with a script. */
type ShellName = keyof typeof SCRIPTS;
