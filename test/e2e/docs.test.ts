import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { goTool } from '@trikd/testing/servers/go-tool';
import { expect, test } from 'vitest';
import { casesOf } from './cases.js';
import { type DocsBlock, execute, NOT_EXECUTED, otherBlocks, ROOT, readmeBlocks, reasonOf } from './docs-blocks.js';
import { binOf, scratch } from './trikd.js';

/** The environment without what the make that runs these tests adds to it: a reader's commands may fetch. */
function environmentOfAReader(): NodeJS.ProcessEnv {
  const {
    MAKEFLAGS: _flags,
    MFLAGS: _old,
    MAKELEVEL: _level,
    MAKEOVERRIDES: _overrides,
    FETCHING: _fetch,
    ...env
  } = process.env;
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
const APART = new Set(['.git', 'runs', 'test', 'bench', 'examples']);

/** The repository as it is after a build, with `trikd`, `grpcurl` and `buf` on the path. Its study has one seed and one setting. */
function builtClone(): { readonly folder: string; readonly env: NodeJS.ProcessEnv } {
  const folder = scratch();
  for (const name of readdirSync(ROOT)) if (!APART.has(name)) symlinkSync(join(ROOT, name), join(folder, name));
  cpSync(join(ROOT, 'examples'), join(folder, 'examples'), { recursive: true });
  const study = join(folder, 'examples/studies/tiny.yaml');
  const text = readFileSync(study, 'utf8');
  writeFileSync(study, text.replace(/^seeds: \d+/m, 'seeds: 1').replace(/^settings:[\s\S]*/m, ''));
  const bin = binOf(folder);
  symlinkSync(goTool('grpcurl'), join(bin, 'grpcurl'));
  const env = environmentOfAReader();
  return { folder, env: { ...env, PATH: `${bin}:${ROOT}node_modules/.bin:${env['PATH'] ?? ''}` } };
}

const executable = (blocks: readonly DocsBlock[]) => blocks.filter((block) => reasonOf(block) === undefined);
/** The README leaves a server that has ended, and an export whose name the next documents use, too. */
const between = { place: 'between the README and other documents', text: 'unset TRIKD_SERVER\nrm -r tiny-onnx\n' };
const npx = { place: 'npx', text: 'npx --no-install trikd --help\n' };

function expectTheReadmeWorked(folder: string): void {
  const files = readdirSync(join(folder, 'files'));
  expect(files).toEqual(expect.arrayContaining(['events.jsonl', 'scalars.csv', 'tensorboard']));
}

test('every reason not to execute a block of the documents belongs to one', () => {
  const used = new Set([...readmeBlocks(), ...otherBlocks()].map(reasonOf));
  expect(Object.keys(NOT_EXECUTED).filter((part) => !used.has(part))).toEqual([]);
  expect(executable(readmeBlocks()).length).toBeGreaterThanOrEqual(3);
  expect(executable(otherBlocks()).length).toBeGreaterThanOrEqual(2);
});

// What a clean clone builds takes minutes, and `make test` has just built it.
test('the commands of the README, and of the other documents after them, work in their order', async () => {
  const { folder, env } = builtClone();
  const { status, said } = await execute([...readmeBlocks(), npx, between, ...otherBlocks()], folder, env);
  expect({ status, said }).toMatchObject({ status: 0, said });
  expectTheReadmeWorked(folder);
});

test.each(casesOf([], ['README.md']))('the commands of %s work in a clean clone, too', async () => {
  const folder = cleanClone();
  const { status, said } = await execute([...readmeBlocks(), npx], folder, environmentOfAReader());
  expect({ status, said }).toMatchObject({ status: 0, said });
  expectTheReadmeWorked(folder);
});
