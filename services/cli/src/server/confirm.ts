import { createInterface } from 'node:readline/promises';
import { printable } from '../printable.js';
import { type Shell, say } from '../shell.js';

/** Asks a question at the terminal. `no-terminal` without one. */
export async function confirm(question: string, shell: Shell): Promise<'yes' | 'no' | 'no-terminal'> {
  const { stdin, stderr, rest } = shell;
  if (!stdin.isTTY || !stderr.isTTY) {
    say(shell, `trikd: ${question} Confirm with --yes.`);
    return 'no-terminal';
  }
  const terminal = createInterface({ input: stdin, output: stderr });
  const answer = await terminal
    .question(`${printable(question)} [y/N] `, { signal: rest })
    .finally(() => terminal.close());
  if (/^y(es)?$/i.test(answer.trim())) return 'yes';
  say(shell, 'nothing was changed');
  return 'no';
}
