import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { tensorflowVersion } from '@trikd/engine';
import { measurePeak, thisMachine } from './machine/machine.ts';
import type { Conditions } from './records.ts';
import { THREADS } from './trio-spec.ts';

/** Measures what the cores can do, which takes seconds, and reads the rest. */
export function presentConditions(): Conditions {
  return {
    trikd: commit(),
    node: process.version,
    tensorflow: tensorflowVersion(),
    machine: thisMachine(),
    peak: measurePeak(THREADS),
    threads: THREADS,
    date: new Date().toISOString(),
  };
}

/** `unknown` where there is no git, or this is no clone. */
function commit(): string {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  try {
    return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], {
      ...{ cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    }).trim();
  } catch {
    return 'unknown';
  }
}
