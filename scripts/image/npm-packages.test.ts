import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Lock, nameOf, neededPackages } from './npm-packages.ts';

const lock: Lock = {
  packages: {
    'services/cli': { dependencies: { '@own/core': '0.0.0', a: '1', '@types/node': '1' } },
    'packages/core': {
      dependencies: { b: '2' },
      peerDependencies: { tool: '1' },
      peerDependenciesMeta: { tool: { optional: true } },
    },
    'node_modules/@own/core': { link: true, resolved: 'packages/core' },
    'node_modules/a': { dependencies: { b: '1' }, optionalDependencies: { absent: '1' } },
    'node_modules/a/node_modules/b': {},
    'node_modules/b': { dependencies: { a: '1' } },
    'node_modules/tool': { dev: true },
    'node_modules/unused': {},
  },
};

describe('the packages of a service', () => {
  test('are those that Node.js finds from each package, nested ones and workspaces included', () => {
    expect(neededPackages(lock, ['services/cli'])).toEqual([
      'node_modules/a',
      'node_modules/a/node_modules/b',
      'node_modules/b',
      'packages/core',
      'services/cli',
    ]);
  });

  test('that the lock file lacks are an error', () => {
    const torn: Lock = { packages: { 'services/cli': { dependencies: { gone: '1' } } } };
    expect(() => neededPackages(torn, ['services/cli'])).toThrow('package-lock.json has no gone for services/cli');
    expect(() => neededPackages(torn, ['services/no'])).toThrow('package-lock.json has no package services/no');
  });

  test('have a name, scoped or nested', () => {
    expect(nameOf('node_modules/a/node_modules/@b/c')).toBe('@b/c');
  });
});

test('of this repository no tool, no test support and nothing of an installation is needed', () => {
  const own: Lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'));
  const paths = neededPackages(own, ['services/cli', 'services/orchestrator', 'services/teacher-trainer']);
  const names = paths.map(nameOf);
  expect(names).toEqual(expect.arrayContaining(['@grpc/grpc-js', '@nestjs/core', '@tensorflow/tfjs-core', 'minio']));
  expect(paths).toContain('packages/engine');
  const refused = ['tar', 'adm-zip', 'node-fetch', 'vite', 'vitest', 'typescript', '@mapbox/node-pre-gyp'];
  expect(names.filter((name) => refused.includes(name))).toEqual([]);
  expect(paths.filter((path) => path === 'packages/testing' || path === 'services/dashboard')).toEqual([]);
});
