import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const SCRIPTS = fileURLToPath(new URL('.', import.meta.url));
/** Asks for an entry of the cache; says whether it had to be made. */
const PROGRAM = `
import sys
from cache import building
with building(sys.argv[1]) as unfinished:
    if unfinished is not None:
        (unfinished.result / 'content').write_text('made')
    print('there' if unfinished is None else 'made')`;

let scratch: string;
let behind: string;
let cache: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'trikd-cache-'));
  [behind, cache] = [join(scratch, 'behind'), join(scratch, 'cache')];
});
afterEach(() => rmSync(scratch, { recursive: true }));

function ask(name: string, env: Readonly<Record<string, string>>) {
  const own = { TRIKD_CACHE: cache, CACHE_BEHIND: '', FETCHING: '', PYTHONDONTWRITEBYTECODE: '1' };
  const { status, stdout, stderr } = spawnSync('python3', ['-c', PROGRAM, name], {
    ...{ cwd: SCRIPTS, encoding: 'utf8', env: { ...process.env, ...own, ...env } },
  });
  return { status, said: stdout.trim(), error: stderr.trim() };
}

const visible = (folder: string) => readdirSync(folder).filter((name) => !name.startsWith('.'));

test('an entry is made once', () => {
  expect(ask('a', {}).said).toBe('made');
  expect(ask('a', {}).said).toBe('there');
  expect(visible(cache)).toEqual(['a']);
});

test('of the cache behind, only what is asked for is visible', () => {
  for (const name of ['a', 'b']) mkdirSync(join(behind, name), { recursive: true });
  expect(ask('a', { CACHE_BEHIND: behind }).said).toBe('there');
  expect(visible(cache)).toEqual(['a']);
  expect(readlinkSync(join(cache, 'a'))).toBe(join(behind, 'a'));
});

test('what the cache behind lacks is made there, and visible', () => {
  expect(ask('a', { CACHE_BEHIND: behind }).said).toBe('made');
  expect([visible(behind), visible(cache)]).toEqual([['a'], ['a']]);
  expect(existsSync(join(cache, 'a', 'content'))).toBe(true);
});

test('where nothing may be fetched, an entry that is not visible is refused by name', () => {
  mkdirSync(join(behind, 'a'), { recursive: true });
  const never = { CACHE_BEHIND: behind, FETCHING: 'never' };
  const { status, error } = ask('a', never);
  expect(status).toBe(1);
  expect(error).toContain('a is not in the cache, and tests fetch nothing');
  ask('a', { CACHE_BEHIND: behind });
  expect(ask('a', never).said).toBe('there');
});
