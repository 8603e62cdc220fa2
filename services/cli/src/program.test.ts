import { PassThrough } from 'node:stream';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { descendants, runProgram, trikdProgram } from './program.js';

const never = new AbortController().signal;
const shell = () => ({
  ...{ stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() },
  ...{ env: {}, rest: never, end: never },
});
const nameOf = (command: Command): string =>
  command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
const names = descendants(trikdProgram(shell(), () => undefined))
  .filter((command) => !command.name().startsWith('_'))
  .map(nameOf);

/** What the help of all commands shows after a prompt, without what is for the shell. */
const examples = descendants(trikdProgram(shell(), () => undefined)).flatMap((command) => {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return [...text.matchAll(/^ +\$ (?:source <\()?(trikd [^>)\n]*[^>) \n])/gm)].map(([, example]) => example ?? '');
});

describe('trikd', () => {
  test.each(names)('%s --help shows an example of it, and ends with 0', async (name) => {
    const asked = shell();
    expect(await runProgram([...name.split(' ').slice(1), '--help'], asked)).toBe(0);
    expect(asked.stdout.end().read().toString()).toMatch(new RegExp(`Example:\n.*\\b${name}\\b`));
  });

  test.each(examples)('takes the example: %s', async (example) => {
    const program = trikdProgram(shell(), () => undefined);
    let taken = 0;
    for (const command of descendants(program)) {
      if (command.commands.length > 0) continue;
      command.action(() => {
        taken += 1;
      });
    }
    await program.parseAsync(example.split(/ +/).slice(1), { from: 'user' });
    expect(taken).toBe(1);
  });

  test('an unknown command ends with 2, and points to the help', async () => {
    const asked = shell();
    expect(await runProgram(['runs', 'stop'], asked)).toBe(2);
    expect(asked.stderr.end().read().toString()).toMatch(/unknown command 'stop'[\s\S]*trikd runs --help/);
  });

  test('prints its version', async () => {
    const asked = shell();
    expect(await runProgram(['--version'], asked)).toBe(0);
    expect(asked.stdout.end().read().toString()).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('a mistake of the spec ends with 1, in one sentence', async () => {
    const asked = shell();
    expect(await runProgram(['run', '/missing/file.yaml'], asked)).toBe(1);
    expect(asked.stderr.end().read().toString()).toBe('trikd: cannot read /missing/file.yaml: there is no such file\n');
  });

  test('control characters of an argument are printed as escapes', async () => {
    const asked = shell();
    expect(await runProgram(['run', '/a\u001b[2J\u0007'], asked)).toBe(1);
    expect(asked.stderr.end().read().toString()).toBe(
      'trikd: cannot read /a\\u001b[2J\\u0007: there is no such file\n',
    );
  });
});
