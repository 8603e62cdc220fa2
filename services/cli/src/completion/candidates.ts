import type { Command, Option } from 'commander';

/**
 * What a word of a command line can go on as: names of commands, flags, and the choices of a flag. None where it is free: a name of a
 * run, a file.
 * @param words without the program; the last one is the word in hand, as far as it is written
 */
export function candidates(program: Command, words: readonly string[]): readonly string[] {
  const before = words.slice(0, -1);
  const word = words.at(-1) ?? '';
  const command = before.reduce(descend, program);
  const flag = optionOf(command, before.at(-1));
  const found =
    flag && takesValue(flag) ? (flag.argChoices ?? []) : word.startsWith('-') ? flagsOf(command) : namesOf(command);
  return found.filter((one) => one.startsWith(word));
}

/** Words that are no commands are values or arguments. */
function descend(command: Command, word: string): Command {
  return command.commands.find((one) => one.name() === word) ?? command;
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

/** A command that is hidden has a name that begins with an underscore. */
function namesOf({ commands }: Command): readonly string[] {
  return commands.map((one) => one.name()).filter((name) => !name.startsWith('_'));
}
