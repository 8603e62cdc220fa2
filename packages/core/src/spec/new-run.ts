import { chosenMethod } from '../methods/registry.js';
import { SEARCHED } from '../methods/trikd/searched.js';
import type { RunSpec } from './run-spec.js';

/**
 * Writes into the spec of a new run what its method would otherwise assume, so that its digest stands for the same numbers in a later
 * version, whose defaults may be others. A stored spec without objectives keeps the weights of its time, which were all 1.
 */
export function newRun(spec: RunSpec): RunSpec {
  const { student, teacher } = spec;
  if (spec.stages || !student || !teacher) return spec;
  if (!chosenMethod(spec.method).method.uses.includes('objective')) return spec;
  return {
    ...spec,
    student: { ...student, objective: student.objective ?? [...SEARCHED.student] },
    teacher: { ...teacher, objective: teacher.objective ?? [...SEARCHED.teacher] },
  };
}
