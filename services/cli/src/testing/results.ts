import type { GenerationResult } from '@trikd/core/run/state';
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
export const result = (generation: number, student: number, promoted: boolean): GenerationResult => ({
  generation,
  steps: 360,
  student: best(student),
  teacher: best(0.9),
  ...(generation > 0 && { anchorScores: { validation: score(0.8), test: score(0.79) } }),
  promoted,
  studentStateSha256: 'b'.repeat(64),
  teacherStateSha256: 'c'.repeat(64),
  pair: { step: 360, manifestKey: 'm' },
});

const role = { model: { kind: 'plain-cnn', channels: [4] }, objective: [{ kind: 'task' }] };
export const spec = RunSpec.parse({
  name: 'trial',
  data: { kind: 'synthetic' },
  epochs: 2,
  student: role,
  teacher: role,
});
