import { chosenMethod } from '../methods/registry.js';
import { SEARCHED } from '../methods/trikd.js';
import type { RunSpec } from './run-spec.js';
import { settingsIn, withStatedKernels } from './settings-in.js';

/**
 * Writes into the spec of a new run what would otherwise be assumed, so that its digest stands for the same numbers in a later version,
 * whose defaults may be others. A stored spec keeps the defaults of its time: weights of 1, and TensorFlow's kernels.
 */
export function newRun(spec: RunSpec): RunSpec {
  return withKernels(withObjectives(spec));
}

/** Own kernels where they are: no network of docs/benchmarks.md is slower with them. XLA compiles only ops of TensorFlow. */
function withKernels(spec: RunSpec): RunSpec {
  const { device, precision, xla, kernels } = spec.engine;
  if (kernels || xla || device !== 'cpu' || precision !== 'float32') return spec;
  return { ...spec, engine: { ...spec.engine, kernels: 'own' } };
}

function withObjectives(spec: RunSpec): RunSpec {
  const { student, teacher } = spec;
  if (spec.stages || !student || !teacher) return spec;
  if (!chosenMethod(spec.method).method.uses.includes('objective')) return spec;
  return {
    ...spec,
    student: { ...student, objective: student.objective ?? [...SEARCHED.student] },
    teacher: { ...teacher, objective: teacher.objective ?? [...SEARCHED.teacher] },
  };
}

/** The fields in which two specs differ, each as `student.learningRate: stored 0.05, requested 0.1`. */
export function specDifferences(stored: RunSpec, asked: RunSpec): readonly string[] {
  const [left, right] = [settingsIn(withStatedKernels(stored)), settingsIn(withStatedKernels(asked))];
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((path) => left.get(path) !== right.get(path))
    .sort()
    .map((path) => `${path}: stored ${left.get(path) ?? 'none'}, requested ${right.get(path) ?? 'none'}`);
}
