import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));

test('what a task measures is known to its folder alone', () => {
  const sources = globSync('{packages,services}/*/src/**/*.{ts,tsx}', {
    cwd: root,
    exclude: ['**/*.test.ts', '**/testing/**', 'packages/core/src/tasks/**', '**/gen/**'],
  });
  expect(sources.length).toBeGreaterThan(400);
  expect(sources.filter((path) => /accurac/i.test(readFileSync(`${root}${path}`, 'utf8')))).toEqual([]);
});
