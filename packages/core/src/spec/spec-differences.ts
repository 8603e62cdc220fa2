import type { RunSpec } from './run-spec.js';
import { settingsIn } from './settings-in.js';

/** The fields in which two specs differ, each as `student.learningRate: stored 0.05, requested 0.1`. */
export function specDifferences(stored: RunSpec, asked: RunSpec): readonly string[] {
  const left = settingsIn(stored);
  const right = settingsIn(asked);
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((path) => left.get(path) !== right.get(path))
    .sort()
    .map((path) => `${path}: stored ${left.get(path) ?? 'none'}, requested ${right.get(path) ?? 'none'}`);
}
