import { canonicalJson } from '../domain/canonical-json.js';
import { type RunSpec } from './run-spec.js';

/** The fields in which two specs differ, each as `student.learningRate: stored 0.05, requested 0.1`. */
export function specDifferences(stored: RunSpec, asked: RunSpec): readonly string[] {
  const left = leaves(stored);
  const right = leaves(asked);
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((path) => left.get(path) !== right.get(path))
    .sort()
    .map((path) => `${path}: stored ${left.get(path) ?? 'none'}, requested ${right.get(path) ?? 'none'}`);
}

function leaves(value: unknown, path = ''): Map<string, string> {
  if (value === null || typeof value !== 'object') return new Map([[path, canonicalJson(value)]]);
  const below = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return new Map(below.flatMap(([key, inner]) => [...leaves(inner, path === '' ? key : `${path}.${key}`)]));
}
