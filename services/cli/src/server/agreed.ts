import { createInterface } from 'node:readline/promises';
import { type Shell, say } from '../shell.js';

/** Asks whether something is meant. Where no person can answer, it is not: `nobody`. */
export async function agreed(question: string, shell: Shell): Promise<'yes' | 'no' | 'nobody'> {
  const { stdin, stderr, rest } = shell;
  if (!stdin.isTTY || !stderr.isTTY) {
    say(shell, `trikd: ${question} --yes says that it is meant`);
    return 'nobody';
  }
  const terminal = createInterface({ input: stdin, output: stderr });
  const answer = await terminal.question(`${question} [y/N] `, { signal: rest }).finally(() => terminal.close());
  if (/^y(es)?$/i.test(answer.trim())) return 'yes';
  say(shell, 'nothing was done');
  return 'no';
}
