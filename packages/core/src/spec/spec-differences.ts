import { newRun } from './new-run.js';
import type { RunSpec } from './run-spec.js';
import { settingsIn, withStatedKernels } from './settings-in.js';

/**
 * The fields in which two specs differ, each as `student.learningRate: stored 0.05, requested 0.1`. What `newRun` writes into a spec is no
 * difference where the stored one has none: an earlier version stored what its file said, and the same file continues the run as it was
 * stored.
 */
export function specDifferences(stored: RunSpec, asked: RunSpec): readonly string[] {
  const [left, right] = [settingsIn(withStatedKernels(stored)), settingsIn(withStatedKernels(asked))];
  const completed = settingsIn(newRun(stored));
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((path) => left.get(path) !== right.get(path) && completed.get(path) !== right.get(path))
    .sort()
    .map((path) => `${path}: stored ${left.get(path) ?? 'none'}, requested ${right.get(path) ?? 'none'}`);
}
