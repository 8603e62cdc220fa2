import { RunSpec } from '@trikd/core/spec/run-spec';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { type Chance, chanceOf } from './chance.js';

/** What of a spec decides its stages. */
type WrittenMethod = Pick<WrittenSpec, 'method' | 'student' | 'teacher' | 'assistants' | 'stages'>;

// Every learner has this model: the toy that stands for it is the same for all.
const model = { kind: 'plain-cnn' as const, channels: [4] };
const task = { kind: 'task' as const };
const from = (participant: string) => ({ kind: 'distillation' as const, from: participant });

/** Every other variant is TriKD, whose stages depend on each other most; the rest are of these kinds in turn. */
const OTHERS: readonly ((chance: Chance) => WrittenMethod)[] = [
  () => ({ method: 'ce', student: { model } }),
  () => pairOf('kd'),
  () => pairOf('online-kd'),
  () => pairOf('dml'),
  ({ pick }) => pairOf({ kind: 'eskd', stops: pick(['teacher', 'hint']), after: 0.5 }),
  () => pairOf('sckd'),
  () => ({ ...pairOf('takd'), assistants: [{ model }] }),
  () => ({ method: 'born-again', student: { model } }),
  () => pairOf('label-anchor'),
  ({ pick }) => ({
    ...pairOf({ kind: 'trikd', firstAnchor: 'kd', anchorTeaches: pick(['both', 'student', 'teacher']) }),
  }),
  writtenStages,
];

/** One of the specs that are simulated: one to three stages of 4 to 12 steps. In one of four, learners have replicas. */
export function specOf(variant: number): RunSpec {
  const chance = chanceOf(variant + 1);
  const other = variant % 2 === 1 ? OTHERS[((variant - 1) / 2) % OTHERS.length] : undefined;
  const spec = specWith(variant, chance, (other ?? trikd)(chance));
  return RunSpec.parse(chance.happens(0.25) ? withReplicas(spec, chance) : spec);
}

function specWith(variant: number, chance: Chance, method: WrittenMethod): WrittenSpec {
  return {
    name: 'simulated',
    seed: variant,
    data: { kind: 'synthetic', height: 4, width: 4, classes: 3, train: 16, validation: 12, test: 4 },
    augment: { crop: chance.below(2), flip: chance.happens(0.5), cutout: 0 },
    batchSize: 4,
    epochs: chance.pick([2, 3]),
    warmupSteps: 2,
    checkpoint: {
      everyEpochs: chance.pick([1, 1, 2]),
      everySteps: chance.pick([undefined, undefined, undefined, 3]),
      everySeconds: chance.pick([undefined, undefined, undefined, 0.3]),
    },
    convergence: { patience: chance.pick([0, 0, 1, 2]) },
    curriculum: {
      generations: chance.pick([2, 2, 3]),
      patience: chance.pick([0, 0, 1]),
      promotion: chance.pick(['always', 'if-better']),
    },
    exchange: { window: 1 + chance.below(4), stepTimeout: chance.pick([3, 10]) },
    ...method,
  };
}

/** The same learners, most of them as two or three replicas: each has two or three images of a batch. */
function withReplicas({ student, teacher, assistants, stages, ...spec }: WrittenSpec, { pick }: Chance): WrittenSpec {
  const replicated = <Learner extends object>(learner: Learner) => ({ ...learner, replicas: pick([1, 2, 2, 3]) });
  return {
    ...{ ...spec, batchSize: 6 },
    ...(student && { student: replicated(student) }),
    ...(teacher && { teacher: replicated(teacher) }),
    ...(assistants && { assistants: assistants.map(replicated) }),
    ...(stages && {
      stages: stages.map((stage) => ({
        ...stage,
        learners: Object.fromEntries(
          Object.entries(stage.learners).map(([name, learner]) => [name, replicated(learner)]),
        ),
      })),
    }),
  };
}

function pairOf(method: NonNullable<WrittenSpec['method']>): WrittenMethod {
  return { method, student: { model }, teacher: { model } };
}

function trikd(chance: Chance): WrittenMethod {
  const both = [task, from('anchor'), from('peer')];
  return {
    student: { model, objective: both },
    teacher: { model, objective: chance.pick([both, both, [task, from('peer')], [task, from('anchor')]]) },
  };
}

/** Names that are no slots, two frozen models in one stage, and learners that go on from an earlier stage. */
function writtenStages(chance: Chance): WrittenMethod {
  const at = () => chance.pick(['best', 'last'] as const);
  const hints = [task, from('early'), from('late')];
  const student = { model, objective: chance.happens(0.5) ? hints : [...hints, from('teacher')] };
  return {
    stages: [
      { name: 'early', learners: { scout: { model, slot: chance.pick(['student', 'teacher'] as const) } }, epochs: 1 },
      {
        name: 'late',
        learners: { left: { model, objective: [task, from('right')] }, right: { model, objective: [task] } },
        decisive: 'right',
      },
      {
        name: 'last',
        learners: {
          student: { ...student, init: { stage: 'late', participant: 'left', at: at() } },
          teacher: { model, objective: [from('late'), from('student')] },
        },
        frozen: {
          early: { stage: 'early', participant: 'scout', at: at() },
          late: { stage: 'late', participant: 'right', at: at() },
        },
        convergence: { patience: 0 },
      },
    ],
  };
}
