import { spawn } from 'node:child_process';
import { readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@trikd/testing/servers/child-server';
import { goTool } from '@trikd/testing/servers/go-tool';
import { expect, test } from 'vitest';
import { docsBlocks, NOT_EXECUTED, ROOT } from './docs-blocks.js';
import { binOf, scratch } from './trikd.js';

/** What a clone has and a run does not change; runs go into the copy. */
const APART = new Set(['.git', 'runs', 'test', 'bench']);

/** The repository as somebody sees it who has just built it; `trikd`, `grpcurl` and `buf` on the path. */
function clone(): { readonly folder: string; readonly path: string } {
  const folder = scratch();
  for (const name of readdirSync(ROOT)) if (!APART.has(name)) symlinkSync(join(ROOT, name), join(folder, name));
  const bin = binOf(folder);
  symlinkSync(goTool('grpcurl'), join(bin, 'grpcurl'));
  return { folder, path: `${bin}:${ROOT}node_modules/.bin:${process.env['PATH'] ?? ''}` };
}

/** Runs a block in one shell, to its end. What is still in the background then is waited for, as at a terminal it would be. */
function execute(
  text: string,
  cwd: string,
  path: string,
): Promise<{ readonly status: number | null; readonly said: string }> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', `${text}\nwait`], {
    cwd,
    env: { ...process.env, PATH: path },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (said += part));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, said }));
  });
}

const blocks = docsBlocks();
const reasonOf = (text: string) => Object.keys(NOT_EXECUTED).find((part) => text.includes(part));

test('every reason not to execute a block of the documents belongs to one', () => {
  const used = new Set(blocks.map(({ text }) => reasonOf(text)));
  expect(Object.keys(NOT_EXECUTED).filter((part) => !used.has(part))).toEqual([]);
});

test('the commands of the documents do what they are said to, one block after the other', async () => {
  const { folder, path } = clone();
  // The documents name a port that may not be free.
  const port = await freePort();
  const executed = blocks.filter(({ text }) => reasonOf(text) === undefined);
  expect(executed.length).toBeGreaterThanOrEqual(4);
  for (const { place, text } of executed) {
    // RUN stands for any run: here for the one that the README begins with.
    const real = text.replaceAll(/\bRUN\b/g, 'tiny').replaceAll('127.0.0.1:50050', `127.0.0.1:${port}`);
    const { status, said } = await execute(real, folder, path);
    expect({ place, status, said }).toMatchObject({ place, status: 0, said });
  }
  expect(readdirSync(join(folder, 'files')).sort()).toEqual(
    expect.arrayContaining(['events.jsonl', 'scalars.csv', 'tensorboard']),
  );
});
