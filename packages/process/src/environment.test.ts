import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { cacheFolder, dataFolders } from './environment.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

function environment(values: Readonly<Record<'TRIKD_CACHE' | 'XDG_CACHE_HOME' | 'TRIKD_DATA', string>>): void {
  for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value);
}

test.each([
  [{ TRIKD_CACHE: '/c', XDG_CACHE_HOME: '/x' }, '/c'],
  [{ TRIKD_CACHE: '', XDG_CACHE_HOME: '/x' }, '/x/trikd'],
  [{ TRIKD_CACHE: '', XDG_CACHE_HOME: '' }, join(homedir(), '.cache', 'trikd')],
])('with %j the cache is %s', (values, folder) => {
  environment({ TRIKD_DATA: '', ...values });
  expect(cacheFolder()).toBe(folder);
});

test('data is looked for in the cache, then where the Debian package puts it', () => {
  environment({ TRIKD_CACHE: '/c', XDG_CACHE_HOME: '', TRIKD_DATA: '' });
  expect(dataFolders()).toEqual(['/c/fashion-mnist', '/usr/share/datasets/fashion-mnist']);
});

test('TRIKD_DATA means its folder alone', () => {
  environment({ TRIKD_CACHE: '/c', XDG_CACHE_HOME: '', TRIKD_DATA: '/d' });
  expect(dataFolders()).toEqual(['/d']);
});
