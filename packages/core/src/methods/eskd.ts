import { z } from 'zod';
import type { RunSettings } from '../spec/run-settings.js';
import { DEFAULT_WARMUP } from '../spec/run-settings.js';
import type { Stage } from '../stages/stage.js';
import { method } from './method.js';
import { fresh, frozenTeacher, hinted, hintKnobs, inOrder, stage, studentOf } from './parts.js';

const Fraction = z.number().gt(0).lt(1);

const Knobs = z.strictObject({
  kind: z.literal('eskd').describe('kd with an early end: of the teacher, or of its hint'),
  stops: z
    .enum(['teacher', 'hint'])
    .default('teacher')
    .describe('teacher: its training is short; hint: the student learns from the labels alone after a while'),
  after: Fraction.default(0.25).describe('share of the epochs after which the teacher, or its hint, ends'),
  ...hintKnobs,
});
type Knobs = z.infer<typeof Knobs>;

/**
 * Early-stopped knowledge distillation (Cho & Hariharan, arXiv:1910.01348), in both readings of the name: `stops: teacher` is the paper's
 * final remedy, a teacher that trained for a quarter of the epochs on the whole schedule of the learning rate; `stops: hint` is `kd` in the
 * first part of the student's training, and cross-entropy with weight 1 afterwards.
 */
export const eskd = method({
  knobs: Knobs,
  uses: ['teacher'],
  freezesTeacher: ({ stops }) => stops === 'hint',
  stages(run, knobs) {
    const { stages, teacher } = frozenTeacher(run, knobs.stops === 'teacher' ? shortened(run, knobs.after) : {});
    const objective = knobs.stops === 'hint' ? endingHint(knobs) : hinted('teacher', knobs);
    const student = fresh('student', 'student', studentOf(run), objective);
    return inOrder([...stages, stage(run, 'student', [student], { frozen: [teacher] })]);
  },
});

/**
 * The warm-up shrinks with the training: a teacher that stops early has a whole schedule, as in the paper. The default fits every length
 * as it is.
 */
function shortened({ epochs, warmupSteps }: RunSettings, share: number): Partial<Stage> {
  return {
    epochs: Math.max(1, Math.round(epochs * share)),
    warmupSteps: warmupSteps === DEFAULT_WARMUP ? warmupSteps : Math.round(warmupSteps * share),
  };
}

function endingHint({ after, taskWeight, weight, temperature }: Knobs) {
  const from = (early: number, late: number) => ({
    curve: 'step' as const,
    points: [
      [0, early],
      [after, late],
    ] as [number, number][],
  });
  return [
    { kind: 'task' as const, weight: from(taskWeight, 1) },
    { kind: 'distillation' as const, from: 'teacher', weight: from(weight, 0), temperature },
  ];
}
