import { CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';
import { exitStatusOf } from '../../options/args.js';
import { type CheckpointActions, checkpointCommand } from './command.js';

async function asked(...words: string[]): Promise<unknown> {
  let options: unknown;
  const note = (command: keyof CheckpointActions) => async (given: object) => {
    options = { command, ...given };
  };
  const actions = { list: note('list'), show: note('show'), verify: note('verify'), gc: note('gc') };
  await checkpointCommand(actions).parseAsync(words, { from: 'user' });
  return options;
}

async function refused(...words: string[]): Promise<{ readonly status: number; readonly text: string }> {
  let text = '';
  const nothing = async () => undefined;
  const command = checkpointCommand({ list: nothing, show: nothing, gc: nothing, verify: nothing });
  const output = { writeErr: (part: string) => (text += part), writeOut: (part: string) => (text += part) };
  for (const each of [command, ...command.commands]) each.configureOutput(output);
  try {
    await command.parseAsync(words, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return { status: exitStatusOf(error), text };
    throw error;
  }
  throw new Error('it was not refused');
}

const defaults = { runId: 'r', from: {}, output: 'table' };

describe('trikd checkpoint', () => {
  test('takes a run, and defaults for the rest', async () => {
    expect(await asked('list', 'r')).toEqual({ command: 'list', ...defaults });
    expect(await asked('show', 'r')).toEqual({ command: 'show', ...defaults, wanted: 'latest', roles: [] });
    expect(await asked('verify', 'r')).toEqual({ command: 'verify', ...defaults, wanted: [] });
    expect(await asked('gc', 'r')).toEqual({ command: 'gc', ...defaults, dryRun: false });
    expect(await asked('gc', 'r', '--dry-run')).toEqual({ command: 'gc', ...defaults, dryRun: true });
  });

  test('takes checkpoints, a store and a format', async () => {
    expect(await asked('verify', 'r', '1/8', 'latest', '--store', 'elsewhere', '-o', 'yaml')).toEqual({
      ...{ command: 'verify', runId: 'r', from: { store: 'elsewhere' }, output: 'yaml', wanted: ['1/8', 'latest'] },
    });
    expect(await asked('show', 'r', '0/8', '--config', 'a.yaml', '--role', 'student', 'assistant-1')).toMatchObject({
      ...{ from: { config: 'a.yaml' }, wanted: '0/8', roles: ['student', 'assistant-1'] },
    });
  });

  test.each([
    [['list']],
    [['list', 'r', 'more']],
    [['show', 'r', '1/8', 'more']],
    [['list', 'r', '-o', 'xml']],
    [['list', 'r', '--store', 'a', '--config', 'b']],
    [['remove', 'r']],
  ])('ends with status 2 for %j', async (words) => {
    expect(await refused(...words)).toMatchObject({ status: 2 });
  });

  test.each(['list', 'show', 'verify'])('shows an example with %s --help', async (name) => {
    const { status, text } = await refused(name, '--help');
    expect(status).toBe(0);
    expect(text).toMatch(`$ trikd checkpoint ${name} tiny\n`);
  });
});
