import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** This file, and the test of the clock itself. */
const EXCEPT = ['scripts/no-sleep.test.ts', 'packages/process/src/system-clock.test.ts'];

const root = fileURLToPath(new URL('../', import.meta.url));

test('no test sleeps: it waits for events, and only faults and silences last for a time', () => {
  const tests = globSync('{packages,services,scripts,test}/**/*.test.ts', {
    cwd: root,
    exclude: ['**/node_modules', '**/dist', ...EXCEPT],
  });
  expect(tests.length).toBeGreaterThan(100);
  const timer = /\bsetTimeout\b|\bsystemClock\.sleep\b/;
  expect(tests.filter((path) => timer.test(readFileSync(`${root}${path}`, 'utf8')))).toEqual([]);
});
