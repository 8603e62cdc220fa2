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

const project = (name: string, include: string[], testTimeout: number, more: ProjectOptions = {}) => ({
  resolve: { alias },
  test: { name, include, testTimeout, hookTimeout: testTimeout, pool: 'forks' as const, maxWorkers: 2, ...more },
});

interface ProjectOptions {
  readonly maxWorkers?: number;
  /** Whether each file gets a process of its own. Default true. */
  readonly isolate?: boolean;
  readonly exclude?: string[];
  readonly globalSetup?: string[];
}

/** Tests of the engine change what holds for their whole process, such as its instruction set: each file gets one of its own. */
const engine = ['packages/engine/src/**/*.test.ts'];
/** Unit tests that compute with it. A process computes the same bits whatever it has computed before: they share it. */
const computing = [
  'packages/core/src/{training,reference,losses,models,export,weights}/**/*.test.ts',
  'test/golden/**/*.test.ts',
];
/** The others share processes, which saves a third of their time. */
const pure = ['{packages,services}/*/src/**/*.test.ts', '{scripts,bench,test/soak}/**/*.test.ts'];

/** `make attacks` measures what attacks cost, and `make faults` how long recovery takes: one file after the other. */
const alone = (variable: string) => (process.env[variable] === undefined ? 2 : 1);

export default defineConfig({
  test: {
    projects: [
      project('unit', pure, 60_000, { isolate: false, exclude: [...engine, ...computing] }),
      project('unit-engine', engine, 60_000),
      project('unit-computing', computing, 60_000, { isolate: false }),
      project('integration', ['test/integration/**/*.test.ts'], 120_000, { isolate: false }),
      // Alone: it uses all cores by itself, and says how long it took.
      project('simulation', ['test/simulation/**/*.test.ts'], 120_000, { maxWorkers: 1 }),
      project('end-to-end', ['test/e2e/**/*.test.ts'], 600_000),
      project('browser', ['test/browser/**/*.test.ts'], 180_000),
      // One API server for all, and processes that files share: what Helm has rendered is rendered once.
      project('kubernetes', ['test/kubernetes/**/*.test.ts'], 300_000, {
        isolate: false,
        globalSetup: ['test/kubernetes/setup.ts'],
      }),
      project('cluster', ['test/cluster/**/*.test.ts'], 900_000, {
        maxWorkers: 1,
        globalSetup: ['test/cluster/setup.ts'],
      }),
      project('attacks', ['test/attacks/**/*.test.ts'], 900_000, { maxWorkers: alone('ATTACK_SECONDS') }),
      project('faults', ['test/faults/**/*.test.ts'], 900_000, { maxWorkers: alone('FAULTS') }),
    ],
  },
});
