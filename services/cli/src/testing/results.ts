import type { StageResult } from '@trikd/core/run/state';
import { RunSpec } from '@trikd/core/spec/run-spec';

const score = (accuracy: number, nll = 0.5) => ({
  metrics: { accuracy, nll },
  examples: 100,
});
export const best = (accuracy: number) => ({
  step: 300,
  validation: score(accuracy),
  test: score(accuracy - 0.01, 0.61234),
  params: { key: 'p', sha256: 'a'.repeat(64), bytes: 1 },
});
export const result = (stage: number, student: number, promoted: boolean): StageResult => ({
  stage,
  steps: 360,
  learners: {
    student: { best: best(student), stateSha256: 'b'.repeat(64) },
    teacher: { best: best(0.9), stateSha256: 'c'.repeat(64) },
  },
  ...(stage > 0 && { frozen: { anchor: { validation: score(0.8), test: score(0.79) } } }),
  candidate: 'student',
  promoted,
  pair: { step: 360, manifestKey: 'm' },
});

/** The result of a stage with one learner, which is no candidate. */
export const alone = (stage: number, learner: string, accuracy: number): StageResult => ({
  ...{ stage, steps: 360, learners: { [learner]: { best: best(accuracy), stateSha256: 'd'.repeat(64) } } },
  ...{ promoted: false, pair: { step: 360, manifestKey: 'm' } },
});

const role = { model: { kind: 'plain-cnn', channels: [4] }, objective: [{ kind: 'task' }] };
const trial = { name: 'trial', data: { kind: 'synthetic' }, epochs: 2 };
const { model } = role;
export const spec = RunSpec.parse({ ...trial, student: role, teacher: role });
/** A run whose stages are `teacher` and `student`. */
export const kdSpec = RunSpec.parse({ ...trial, method: 'kd', student: { model }, teacher: { model } });
