import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// Tests read the sources, never the built copies, so that no test can pass on yesterday's code.
const alias = [
  { find: /^@trikd\/engine$/, replacement: source('packages/engine/src/index.ts') },
  {
    find: /^@trikd\/(core|process|protocol|events|store|telemetry|transport|model-host|testing)\/(.*)$/,
    replacement: `${source('packages')}/$1/src/$2.ts`,
  },
];

const project = (name: string, include: string[], testTimeout: number, maxWorkers = 2) => ({
  resolve: { alias },
  test: { name, include, testTimeout, hookTimeout: testTimeout, pool: 'forks' as const, maxWorkers },
});

export default defineConfig({
  test: {
    projects: [
      project(
        'unit',
        ['{packages,services}/*/src/**/*.test.ts', '{scripts,test/golden,test/soak}/**/*.test.ts'],
        60_000,
      ),
      project('integration', ['test/integration/**/*.test.ts'], 120_000),
      // Alone: it uses all cores by itself, and says how long it took.
      project('simulation', ['test/simulation/**/*.test.ts'], 120_000, 1),
      project('end-to-end', ['test/e2e/**/*.test.ts'], 600_000),
      project('browser', ['test/browser/**/*.test.ts'], 180_000, 1),
      // One after the other: they measure how long recovery takes.
      project('faults', ['test/faults/**/*.test.ts'], 900_000, 1),
    ],
  },
});
