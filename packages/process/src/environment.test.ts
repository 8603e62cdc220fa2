import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { cacheFolder, computingEnvironment, dataFolders, namedDataFolders, quietTensorFlow } from './environment.js';

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

test('data is searched for in the cache, then where the Debian package installs it', () => {
  environment({ TRIKD_CACHE: '/c', XDG_CACHE_HOME: '', TRIKD_DATA: '' });
  expect(dataFolders()).toEqual(['/c/fashion-mnist', '/usr/share/datasets/fashion-mnist']);
});

test('TRIKD_DATA overrides all other folders', () => {
  environment({ TRIKD_CACHE: '/c', XDG_CACHE_HOME: '', TRIKD_DATA: '/d' });
  expect(dataFolders()).toEqual(['/d']);
});

test('a dataset with a name is looked for in TRIKD_DATA, in the cache and where packages install data', () => {
  environment({ TRIKD_CACHE: '/c', XDG_CACHE_HOME: '', TRIKD_DATA: '/d' });
  expect(namedDataFolders('mnist')).toEqual(['/d/mnist', '/c/mnist', '/usr/share/datasets/mnist']);
});

test('a child that computes does not inherit the switch of a quiet process, which would change its numbers', () => {
  vi.stubEnv('TF_ENABLE_ONEDNN_OPTS', undefined);
  quietTensorFlow();
  expect(process.env['TF_ENABLE_ONEDNN_OPTS']).toBe('0');
  expect(computingEnvironment()).not.toHaveProperty('TF_ENABLE_ONEDNN_OPTS');
  expect(computingEnvironment()).toMatchObject({ PATH: process.env['PATH'] });
});
