import { describe, expect, test } from 'vitest';
import type { TermSpec } from '../spec/role-spec.js';
import { RunSpec } from '../spec/run-spec.js';
import { originText } from '../stages/origin.js';
import type { Frozen, Learner, Stage } from '../stages/stage.js';
import { stageAt, stagesOf } from '../stages/stages-of.js';
import { METHOD_KINDS, type MethodSpec } from './registry.js';

const role = (channels: number, more: object = {}) => ({ model: { kind: 'plain-cnn', channels: [channels] }, ...more });
const base = { name: 'r', data: { kind: 'synthetic', train: 256 }, batchSize: 16, epochs: 8, warmupSteps: 20 };
const STUDENT = { student: role(4) };
const PAIR = { ...STUDENT, teacher: role(32) };
const CHAIN = { ...PAIR, assistants: [role(16), role(8)] };

type Knobs = Exclude<MethodSpec, string>;
/** A method with the knobs that a test names. */
type Written = {
  readonly [Kind in Knobs['kind']]: { readonly kind: Kind } & Partial<Extract<Knobs, { kind: Kind }>>;
}[Knobs['kind']];

const specOf = (method: Written | undefined, roles: object): RunSpec => RunSpec.parse({ ...base, ...roles, method });

/** Weight or temperature: a number, or what it is from which share of the stage on. */
function amount(value: unknown): string {
  if (typeof value === 'number') return `${value}`;
  const { points } = value as { readonly points: readonly (readonly [number, number])[] };
  return `(${points.map(([at, each]) => (at === 0 ? `${each}` : `${each} from ${at}`)).join(', ')})`;
}

function shortTerm(term: TermSpec): string {
  if (term.kind === 'task') return `labels*${amount(term.weight)}`;
  const gate = term.gate ? ` if ${term.gate.kind} >= ${term.gate.threshold}` : '';
  return `${term.from}*${amount(term.weight)}@${amount(term.temperature)}${gate}`;
}

function channelsOf(of: Learner | Frozen): string {
  if (!('model' in of)) return 'remote';
  return of.model.kind === 'plain-cnn' ? of.model.channels.join() : of.model.kind;
}

function shortLearner(learner: Learner): string {
  const { name, slot, objective } = learner;
  return `${name}(${channelsOf(learner)}) in ${slot}: ${objective.map(shortTerm).join(' + ')}`;
}

function shortFrozen(frozen: Frozen): string {
  const { name, from } = frozen;
  return `${name}(${channelsOf(frozen)}) = ${originOf(from)}`;
}

function originOf(from: Frozen['from']): string {
  if (from === 'promoted') return from;
  return from.kind === 'stage' ? `${from.at} ${from.participant} of ${from.stage}` : originText(from);
}

/** A stage as it is written in the tables below. */
function short({ name, learners, frozen, epochs }: Stage): readonly string[] {
  return [`${name}, ${epochs} epochs`, ...learners.map(shortLearner), ...frozen.map(shortFrozen)];
}

const TEACHER = ['teacher, 8 epochs', 'teacher(32) in teacher: labels*1'];
const FROZEN_TEACHER = 'teacher(32) = best teacher of teacher';
const ANCHOR = 'anchor(4) = promoted';
const MUTUAL = [
  'generation-0, 8 epochs',
  'student(4) in student: labels*1 + teacher*1@4',
  'teacher(32) in teacher: labels*1 + student*1@4',
];
const anchored = (generation: number) => [
  `generation-${generation}, 8 epochs`,
  'student(4) in student: labels*1 + anchor*1@4 + teacher*1@4',
  'teacher(32) in teacher: labels*1 + anchor*1@4 + student*1@4',
  ANCHOR,
];

describe.for<[Written, object, readonly (readonly string[])[]]>([
  [{ kind: 'ce' }, STUDENT, [['student, 8 epochs', 'student(4) in student: labels*1']]],
  [
    { kind: 'kd' },
    PAIR,
    [TEACHER, ['student, 8 epochs', 'student(4) in student: labels*0.1 + teacher*0.9@4', FROZEN_TEACHER]],
  ],
  [
    { kind: 'kd', taskWeight: 1, weight: 2, temperature: 3 },
    PAIR,
    [TEACHER, ['student, 8 epochs', 'student(4) in student: labels*1 + teacher*2@3', FROZEN_TEACHER]],
  ],
  [
    { kind: 'kd' },
    { ...STUDENT, teacher: { ...PAIR.teacher, from: { file: '/models/teacher.safetensors' } } },
    [
      [
        'student, 8 epochs',
        'student(4) in student: labels*0.1 + teacher*0.9@4',
        'teacher(32) = file /models/teacher.safetensors',
      ],
    ],
  ],
  [
    { kind: 'kd' },
    { ...STUDENT, teacher: { from: { endpoint: 'grpc://triton:8001', model: 'resnet', version: '2' } } },
    [
      [
        'student, 8 epochs',
        'student(4) in student: labels*0.1 + teacher*0.9@4',
        'teacher(remote) = model resnet 2 at grpc://triton:8001',
      ],
    ],
  ],
  [
    { kind: 'takd' },
    { ...CHAIN, teacher: { ...PAIR.teacher, from: { run: 'first', stage: 'teacher', at: 'last' } } },
    [
      [
        'assistant-1, 8 epochs',
        'assistant-1(16) in teacher: labels*0.1 + teacher*0.9@4',
        'teacher(32) = run first, stage teacher, last',
      ],
      [
        'assistant-2, 8 epochs',
        'assistant-2(8) in teacher: labels*0.1 + assistant-1*0.9@4',
        'assistant-1(16) = best assistant-1 of assistant-1',
      ],
      [
        'student, 8 epochs',
        'student(4) in student: labels*0.1 + assistant-2*0.9@4',
        'assistant-2(8) = best assistant-2 of assistant-2',
      ],
    ],
  ],
  [
    { kind: 'online-kd' },
    PAIR,
    [['student, 8 epochs', 'student(4) in student: labels*1 + teacher*1@4', 'teacher(32) in teacher: labels*1']],
  ],
  [
    { kind: 'dml' },
    PAIR,
    [
      [
        'student, 8 epochs',
        'student(4) in student: labels*1 + teacher*1@1',
        'teacher(32) in teacher: labels*1 + student*1@1',
      ],
    ],
  ],
  [
    { kind: 'eskd' },
    PAIR,
    [
      ['teacher, 2 epochs', 'teacher(32) in teacher: labels*1'],
      ['student, 8 epochs', 'student(4) in student: labels*0.1 + teacher*0.9@4', FROZEN_TEACHER],
    ],
  ],
  [
    { kind: 'eskd', stops: 'teacher', after: 0.01 },
    PAIR,
    [
      ['teacher, 1 epochs', 'teacher(32) in teacher: labels*1'],
      ['student, 8 epochs', 'student(4) in student: labels*0.1 + teacher*0.9@4', FROZEN_TEACHER],
    ],
  ],
  [
    { kind: 'eskd', stops: 'hint', after: 0.5 },
    PAIR,
    [
      TEACHER,
      [
        'student, 8 epochs',
        'student(4) in student: labels*(0.1, 1 from 0.5) + teacher*(0.9, 0 from 0.5)@4',
        FROZEN_TEACHER,
      ],
    ],
  ],
  [
    { kind: 'sckd' },
    PAIR,
    [
      TEACHER,
      ['student, 8 epochs', 'student(4) in student: labels*1 + teacher*1@4 if params-similarity >= 0', FROZEN_TEACHER],
    ],
  ],
  [
    { kind: 'sckd', threshold: 0.5, taskWeight: 0.1, weight: 0.9 },
    PAIR,
    [
      TEACHER,
      [
        'student, 8 epochs',
        'student(4) in student: labels*0.1 + teacher*0.9@4 if params-similarity >= 0.5',
        FROZEN_TEACHER,
      ],
    ],
  ],
  [
    { kind: 'takd' },
    CHAIN,
    [
      TEACHER,
      [
        'assistant-1, 8 epochs',
        'assistant-1(16) in teacher: labels*0.1 + teacher*0.9@4',
        'teacher(32) = best teacher of teacher',
      ],
      [
        'assistant-2, 8 epochs',
        'assistant-2(8) in teacher: labels*0.1 + assistant-1*0.9@4',
        'assistant-1(16) = best assistant-1 of assistant-1',
      ],
      [
        'student, 8 epochs',
        'student(4) in student: labels*0.1 + assistant-2*0.9@4',
        'assistant-2(8) = best assistant-2 of assistant-2',
      ],
    ],
  ],
  [
    { kind: 'born-again' },
    STUDENT,
    [
      ['generation-0, 8 epochs', 'student(4) in student: labels*1'],
      [
        'generation-1, 8 epochs',
        'student(4) in student: labels*1 + previous*1@1',
        'previous(4) = best student of generation-0',
      ],
      [
        'generation-2, 8 epochs',
        'student(4) in student: labels*1 + previous*1@1',
        'previous(4) = best student of generation-1',
      ],
    ],
  ],
  [
    { kind: 'label-anchor' },
    PAIR,
    [['generation-0, 8 epochs', 'student(4) in student: labels*1'], anchored(1), anchored(2)],
  ],
  [{ kind: 'trikd' }, PAIR, [MUTUAL, anchored(1), anchored(2)]],
  [
    { kind: 'trikd', firstAnchor: 'labels' },
    PAIR,
    [['generation-0, 8 epochs', 'student(4) in student: labels*1'], anchored(1), anchored(2)],
  ],
  [
    { kind: 'trikd', firstAnchor: 'kd' },
    PAIR,
    [
      TEACHER,
      ['generation-0, 8 epochs', 'student(4) in student: labels*0.1 + teacher*0.9@4', FROZEN_TEACHER],
      anchored(1),
      anchored(2),
    ],
  ],
])('%j', ([method, roles, stages]) => {
  test('has these stages', () => {
    expect(stagesOf(specOf(method, roles)).map(short)).toEqual(stages);
  });

  test('numbers its stages by their order', () => {
    expect(stagesOf(specOf(method, roles)).map(({ index }) => index)).toEqual([...stages.keys()]);
  });

  test('ends with a student in the trainer of students, whose validations decide', () => {
    const last = stagesOf(specOf(method, roles)).at(-1)!;
    expect(last.decisive).toBe('student');
    expect(last.learners.find(({ name }) => name === 'student')).toMatchObject({ slot: 'student', init: 'fresh' });
  });
});

test('every method is in the table above, and the default is trikd', () => {
  const table = ['ce', 'kd', 'online-kd', 'dml', 'eskd', 'sckd', 'takd', 'born-again', 'label-anchor', 'trikd'];
  expect(METHOD_KINDS.toSorted()).toEqual(table.toSorted());
  expect(stagesOf(specOf(undefined, PAIR))).toEqual(stagesOf(specOf({ kind: 'trikd' }, PAIR)));
});

test('a method by its name alone has its default knobs', () => {
  const byName = RunSpec.parse({ ...base, ...PAIR, method: 'kd' });
  expect(stagesOf(byName)).toEqual(stagesOf(specOf({ kind: 'kd' }, PAIR)));
});

describe('the objectives of anchorTeaches, for each firstAnchor', () => {
  const withAnchor = (learner: 'student' | 'teacher') =>
    `labels*1 + anchor*1@4 + ${learner === 'student' ? 'teacher' : 'student'}*1@4`;
  const without = (learner: 'student' | 'teacher') => `labels*1 + ${learner === 'student' ? 'teacher' : 'student'}*1@4`;
  const objectives = {
    both: [withAnchor('student'), withAnchor('teacher')],
    student: [withAnchor('student'), without('teacher')],
    teacher: [without('student'), withAnchor('teacher')],
  };
  const all = (['online', 'labels', 'kd'] as const).flatMap((firstAnchor) =>
    (['both', 'student', 'teacher'] as const).map((anchorTeaches) => ({ firstAnchor, anchorTeaches })),
  );

  test.for(all)('%j', (knobs) => {
    const stages = stagesOf(specOf({ kind: 'trikd', ...knobs }, PAIR));
    const [one, two] = stages.slice(-2);
    for (const stage of [one!, two!]) {
      expect(stage.learners.map(({ objective }) => objective.map(shortTerm).join(' + '))).toEqual(
        objectives[knobs.anchorTeaches],
      );
      expect(stage.frozen.map(shortFrozen)).toEqual([ANCHOR]);
    }
    // The first anchor is made without an anchor, whomever it teaches later.
    expect(stages.slice(0, -2)).toEqual(
      stagesOf(specOf({ kind: 'trikd', firstAnchor: knobs.firstAnchor }, PAIR)).slice(0, -2),
    );
  });
});

describe('the objectives of trikd are those of the roles', () => {
  const student = role(4, {
    objective: [
      { kind: 'task', weight: 0.5 },
      { kind: 'distillation', from: 'peer', weight: 2, temperature: 3 },
      { kind: 'distillation', from: 'anchor', weight: 0.25, temperature: 2 },
    ],
  });
  const teacher = role(32, { objective: [{ kind: 'task' }] });
  const spec = specOf(undefined, { student, teacher });

  test('with the peer by name, and without the anchor where there is none yet', () => {
    const shown = (stage: Stage) => short(stage).slice(1);
    expect(shown(stagesOf(spec)[1]!)).toEqual([
      'student(4) in student: labels*0.5 + teacher*2@3 + anchor*0.25@2',
      'teacher(32) in teacher: labels*1',
      ANCHOR,
    ]);
    const bare = ['student(4) in student: labels*0.5 + teacher*2@3', 'teacher(32) in teacher: labels*1'];
    expect(shown(stagesOf(spec)[0]!)).toEqual(bare);
    expect(shown(stageAt(spec, 1, false))).toEqual(bare);
  });
});

describe('what stages are for the curriculum', () => {
  const numbersOf = (method: Written, roles: object) =>
    stagesOf(specOf(method, roles)).map(({ generation, promotes }) => [generation, promotes]);

  test('trikd promotes the student of each generation, and no other learner', () => {
    const generations = [0, 1, 2].map((each) => [each, true]);
    expect(numbersOf({ kind: 'trikd' }, PAIR)).toEqual(generations);
    expect(numbersOf({ kind: 'label-anchor' }, PAIR)).toEqual(generations);
    expect(numbersOf({ kind: 'trikd', firstAnchor: 'kd' }, PAIR)).toEqual([[undefined, false], ...generations]);
  });

  test('born-again has generations, and promotes nobody', () => {
    expect(numbersOf({ kind: 'born-again' }, STUDENT)).toEqual([0, 1, 2].map((each) => [each, false]));
  });

  test.for<Written>([{ kind: 'kd' }, { kind: 'dml' }, { kind: 'eskd' }])('%j has no generations', (method) => {
    expect(new Set(numbersOf(method, PAIR).flat())).toEqual(new Set([undefined, false]));
  });
});

test('each stage trains as its role says, with the budget of the run', () => {
  const training = { learningRate: 0.3, clipNorm: null, optimizer: { kind: 'adamw', beta1: 0.5 } };
  const spec = specOf({ kind: 'takd' }, { ...CHAIN, assistants: [role(16, training), role(8)] });
  const [, first, second] = stagesOf(spec);
  expect(first!.learners[0]).toMatchObject(training);
  expect(second!.learners[0]).toMatchObject({ learningRate: 0.05, clipNorm: 5, optimizer: { kind: 'sgd' } });
  const { epochs, schedule, warmupSteps, evaluation, checkpoint, convergence } = spec;
  const budget = { epochs, schedule, warmupSteps, evaluation, checkpoint, convergence };
  for (const stage of stagesOf(spec)) expect(stage).toMatchObject(budget);
});

test('a teacher that stops early has its warm-up shortened with its training', () => {
  const warmups = (warmupSteps?: number) =>
    stagesOf(specOf({ kind: 'eskd' }, { ...PAIR, warmupSteps })).map((stage) => stage.warmupSteps);
  expect(warmups(20)).toEqual([5, 20]);
  expect(warmups()).toEqual([60, 60]);
});
