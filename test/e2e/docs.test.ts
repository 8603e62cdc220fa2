import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { goTool } from '@trikd/testing/servers/go-tool';
import { expect, test } from 'vitest';
import { type DocsBlock, execute, NOT_EXECUTED, otherBlocks, ROOT, readmeBlocks, reasonOf } from './docs-blocks.js';
import { binOf, scratch } from './trikd.js';

/** The environment without what the make that runs these tests adds to it. */
function environmentOfAReader(): NodeJS.ProcessEnv {
  const { MAKEFLAGS: _flags, MFLAGS: _old, MAKELEVEL: _level, MAKEOVERRIDES: _overrides, ...env } = process.env;
  // Packages that are in npm's cache are not fetched again.
  return { ...env, npm_config_prefer_offline: 'true' };
}

/** The files that a clone of the working tree has: uncommitted ones too, ignored ones not. */
function cleanClone(): string {
  const folder = scratch();
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const deleted = execFileSync('git', ['ls-files', '-z', '--deleted'], { cwd: ROOT, encoding: 'utf8' }).split('\0');
  const files = list.split('\0').filter((file) => file !== '' && !deleted.includes(file));
  for (const file of files) cpSync(join(ROOT, file), join(folder, file));
  return folder;
}

/** What a clone has and a run does not change; runs go into the copy. */
const APART = new Set(['.git', 'runs', 'test', 'bench']);

/** The repository as it is after a build, with `trikd`, `grpcurl` and `buf` on the path. */
function builtClone(): { readonly folder: string; readonly path: string } {
  const folder = scratch();
  for (const name of readdirSync(ROOT)) if (!APART.has(name)) symlinkSync(join(ROOT, name), join(folder, name));
  const bin = binOf(folder);
  symlinkSync(goTool('grpcurl'), join(bin, 'grpcurl'));
  return { folder, path: `${bin}:${ROOT}node_modules/.bin:${process.env['PATH'] ?? ''}` };
}

const executable = (blocks: readonly DocsBlock[]) => blocks.filter((block) => reasonOf(block) === undefined);

test('every reason not to execute a block of the documents belongs to one', () => {
  const used = new Set([...readmeBlocks(), ...otherBlocks()].map(reasonOf));
  expect(Object.keys(NOT_EXECUTED).filter((part) => !used.has(part))).toEqual([]);
});

test('the commands of the README work in a clean clone, in their order', async () => {
  expect(executable(readmeBlocks()).length).toBeGreaterThanOrEqual(3);
  const folder = cleanClone();
  const npx = { place: 'npx', text: 'npx --no-install trikd --help\n' };
  const { status, said } = await execute([...readmeBlocks(), npx], folder, environmentOfAReader());
  expect({ status, said }).toMatchObject({ status: 0, said });
  const files = readdirSync(join(folder, 'files'));
  expect(files).toEqual(expect.arrayContaining(['events.jsonl', 'scalars.csv', 'tensorboard']));
});

test('the commands of the other documents work, in their order', async () => {
  expect(executable(otherBlocks()).length).toBeGreaterThanOrEqual(2);
  const { folder, path } = builtClone();
  const run = { place: 'a run to look at', text: 'trikd run examples/tiny.yaml\n' };
  const { status, said } = await execute([run, ...otherBlocks()], folder, { ...process.env, PATH: path });
  expect({ status, said }).toMatchObject({ status: 0, said });
});
