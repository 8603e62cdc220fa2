import { CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';
import { commandLine, exitStatusOf, type RemoteRunOptions, type RunOptions } from './args.js';

async function parsed(...words: string[]): Promise<RunOptions | RemoteRunOptions | undefined> {
  let asked: RunOptions | RemoteRunOptions | undefined;
  const program = commandLine({
    run: async (options) => {
      asked = options;
    },
    runRemote: async (options) => {
      asked = options;
    },
  });
  await program.parseAsync(words, { from: 'user' });
  return asked;
}

async function refused(...words: string[]): Promise<{ status: number; text: string }> {
  let text = '';
  const nothing = async () => undefined;
  const program = commandLine({ run: nothing, runRemote: nothing });
  const output = { writeErr: (part: string) => (text += part), writeOut: (part: string) => (text += part) };
  for (const command of [program, ...program.commands]) command.configureOutput(output);
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return { status: exitStatusOf(error), text };
    throw error;
  }
  throw new Error('it was not refused');
}

describe('trikd run', () => {
  test('takes tags for the run, and refuses what is none', async () => {
    expect(await parsed('run', 'a.yaml', '--tag', 'a', '--tag', 'set=3')).toMatchObject({ tags: ['a', 'set=3'] });
    expect(await refused('run', 'a.yaml', '--tag', 'a b')).toMatchObject({
      status: 2,
      text: expect.stringContaining('Expected a tag: 1 to 63 letters'),
    });
  });

  test('takes a file, and defaults for the rest', async () => {
    expect(await parsed('run', 'a.yaml')).toEqual({
      file: 'a.yaml',
      overrides: [],
      output: 'table',
      fresh: false,
      inProcess: false,
    });
  });

  test('collects overrides in their order, the seed last', async () => {
    expect(await parsed('run', 'a.yaml', '--set', 'x.y=1', '--seed', '7', '--set', 'name=a=b')).toMatchObject({
      overrides: [
        { path: ['x', 'y'], value: '1' },
        { path: ['name'], value: 'a=b' },
        { path: ['seed'], value: '7' },
      ],
    });
  });

  test('creates the run elsewhere with --server, under an id of the request', async () => {
    expect(await parsed('run', 'a.yaml', '--server', 'there:1', '--no-wait')).toEqual({
      ...{ file: 'a.yaml', overrides: [], output: 'table', server: 'there:1', timeout: 30, wait: false },
      placing: { placement: { class: '', queue: '', priority: 0 }, team: '' },
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  test.each([
    [['--priority', '-7'], { priority: -7 }, '--priority <n>'],
    [['--class', 'gpu'], { class: 'gpu' }, '--class <name>'],
    [['--queue', 'night'], { queue: 'night' }, '--queue <name>'],
  ])('asks for the placement of the run with --server only: %j', async (words, asked, option) => {
    expect(await parsed('run', 'a.yaml', '--server', 'there:1', ...words)).toMatchObject({
      placing: { placement: asked },
    });
    const { status, text } = await refused('run', 'a.yaml', ...words);
    expect([status, text]).toEqual([2, expect.stringContaining(`error: option '${option}' needs --server`)]);
  });

  test.each([
    ['run'],
    ['run', 'a.yaml', '--server', 'there:1', '--priority', '101'],
    ['run', 'a.yaml', '--server', 'there:1', '--priority', '1.5'],
    ['run', 'a.yaml', '--server', 'there:1', '--fresh'],
    ['run', 'a.yaml', '--set', 'epochs'],
    ['run', 'a.yaml', '--seed', 'one'],
    ['run', 'a.yaml', '-o', 'xml'],
    ['run', 'a.yaml', '--frseh'],
    ['walk'],
  ])('ends with status 2 for %s %s %s %s', async (...words) => {
    expect(await refused(...words)).toMatchObject({ status: 2 });
  });

  test.each([['--help'], ['run', '--help']])('shows an example with %s %s', async (...words) => {
    const { status, text } = await refused(...words);
    expect(status).toBe(0);
    expect(text).toMatch('$ trikd run examples/tiny.yaml');
  });
});
