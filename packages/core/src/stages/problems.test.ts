import { describe, expect, test } from 'vitest';
import { RunSpec } from '../spec/run-spec.js';
import { MOST_FROZEN } from '../spec/stage-spec.js';

const model = { kind: 'plain-cnn', channels: [4] };
const large = { kind: 'plain-cnn', channels: [32] };
const task = { kind: 'task' };
const from = (name: string) => ({ kind: 'distillation', from: name });
const hearing = (...names: readonly string[]) => ({ model, objective: [task, ...names.map(from)] });
const pair = { student: { model }, teacher: { model: large } };
const first = { name: 'first', learners: pair };
const ref = { stage: 'first', participant: 'student' };

/** The mistakes in stages, each with its path. */
function mistakesOf(...stages: readonly object[]): readonly string[] {
  const { error } = RunSpec.safeParse({ name: 'r', data: { kind: 'synthetic' }, epochs: 1, stages });
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

/** The mistakes in a stage that follows `first`. */
const second = (learners: object, more: object = {}) => mistakesOf(first, { name: 'second', learners, ...more });

describe('the learners of a stage', () => {
  test.for<[number, object]>([
    [0, {}],
    [3, { one: { model }, two: { model }, three: { model } }],
  ])('are one or two: %d are refused', ([count, learners]) => {
    expect(mistakesOf({ name: 'only', learners })).toEqual([
      `stages.0.learners: a stage has one learner or two, not ${count}`,
    ]);
  });

  test('have different slots', () => {
    const slot = { model, slot: 'student' };
    expect(mistakesOf({ name: 'only', learners: { one: slot, two: { ...slot, slot: 'teacher' } } })).toEqual([]);
    expect(mistakesOf({ name: 'only', learners: { one: slot, two: slot } })).toEqual([
      'stages.0.learners: one and two have the same slot student',
    ]);
    // Its name says student, its slot does not.
    expect(mistakesOf({ name: 'only', learners: { student: { model, slot: 'teacher' }, teacher: { model } } })).toEqual(
      ['stages.0.learners: student and teacher have the same slot teacher'],
    );
  });

  test('have names that can be part of a key', () => {
    expect(mistakesOf({ name: 'only', learners: { 'The Net': { model } } })).toEqual([
      expect.stringMatching(/^stages\.0\.learners\.The Net: /),
    ]);
  });

  test('have the decisive one among them, or one whose name is near', () => {
    expect(second(pair, { decisive: 'teacher' })).toEqual([]);
    expect(second(pair, { decisive: 'techer' })).toEqual([
      'stages.1.decisive: there is no learner techer; did you mean teacher?',
    ]);
    expect(second(pair, { decisive: 'anchor', frozen: { anchor: ref } })).toEqual([
      'stages.1.decisive: there is no learner anchor; there is student, teacher',
    ]);
  });
});

describe('the participants that a learner learns from', () => {
  test('are the others of its stage, learners or frozen', () => {
    expect(second({ student: hearing('teacher', 'old'), teacher: hearing('peer') }, { frozen: { old: ref } })).toEqual(
      [],
    );
  });

  test('are there: a name that is near is proposed, or what there is', () => {
    expect(second({ student: hearing('techer'), teacher: { model } }, { frozen: { old: ref } })).toEqual([
      'stages.1.learners.student.objective.1.from: there is no participant techer; did you mean teacher?',
    ]);
    expect(second({ student: hearing('expert'), teacher: { model } }, { frozen: { old: ref } })).toEqual([
      'stages.1.learners.student.objective.1.from: there is no participant expert; there is teacher, old',
    ]);
    expect(second({ student: hearing('expert') })).toEqual([
      'stages.1.learners.student.objective.1.from: there is no participant expert',
    ]);
  });

  test('are no participants of another stage', () => {
    expect(second({ student: hearing('teacher') })).toEqual([
      'stages.1.learners.student.objective.1.from: there is no participant teacher',
    ]);
  });

  test('are never itself', () => {
    expect(second({ student: hearing('student'), teacher: { model } })).toEqual([
      'stages.1.learners.student.objective.1.from: a learner cannot learn from itself; there is teacher',
    ]);
  });

  test('are no peer where there is none', () => {
    expect(second({ student: hearing('peer') })).toEqual([
      'stages.1.learners.student.objective.1.from: there is no participant peer',
    ]);
  });
});

describe.for<[string, (to: object) => readonly string[], string]>([
  [
    'the params of a frozen model',
    (to) => second({ student: { model } }, { frozen: { old: to } }),
    'stages.1.frozen.old',
  ],
  [
    'the params that a learner starts from',
    (to) => second({ student: { model, init: to } }),
    'stages.1.learners.student.init',
  ],
])('%s', ([_name, mistakes, path]) => {
  test('are those of a learner of an earlier stage', () => {
    expect(mistakes(ref)).toEqual([]);
    expect(mistakes({ ...ref, at: 'last' })).toEqual([]);
  });

  test('are of a stage that there is: one whose name is near is proposed, or those before', () => {
    expect(mistakes({ ...ref, stage: 'frist' })).toEqual([
      expect.stringMatching(`^${path}.stage: there is no stage frist; (did you mean first\\?|there is first)$`),
    ]);
    expect(mistakes({ ...ref, stage: 'firsts' })).toEqual([
      `${path}.stage: there is no stage firsts; did you mean first?`,
    ]);
    expect(mistakes({ ...ref, stage: 'warm-up' })).toEqual([
      `${path}.stage: there is no stage warm-up; there is first`,
    ]);
  });

  test('are of a learner that the stage has: one whose name is near is proposed, or those that it has', () => {
    expect(mistakes({ ...ref, participant: 'studnet' })).toEqual([
      `${path}.participant: studnet is no learner of stage first; did you mean student?`,
    ]);
    expect(mistakes({ ...ref, participant: 'anchor' })).toEqual([
      `${path}.participant: anchor is no learner of stage first; there is student, teacher`,
    ]);
  });

  test('are never of the stage itself', () => {
    expect(mistakes({ ...ref, stage: 'second' })).toEqual([`${path}.stage: stage second is not before stage second`]);
  });
});

test('a stage that refers to a later one is refused', () => {
  const early = { name: 'early', learners: { student: { model } }, frozen: { old: ref } };
  expect(mistakesOf(early, first)).toEqual(['stages.0.frozen.old.stage: stage first is not before stage early']);
  const started = { name: 'early', learners: { student: { model, init: ref } } };
  expect(mistakesOf(started, first)).toEqual([
    'stages.0.learners.student.init.stage: stage first is not before stage early',
  ]);
});

test('a frozen model of an earlier stage is none of its learners', () => {
  const stages = [
    first,
    { name: 'second', learners: { student: { model } }, frozen: { old: ref } },
    { name: 'third', learners: { student: { model } }, frozen: { older: { stage: 'second', participant: 'old' } } },
  ];
  expect(mistakesOf(...stages)).toEqual([
    'stages.2.frozen.older.participant: old is no learner of stage second; there is student',
  ]);
});

test('params to start from are those of the same model', () => {
  const init = { ...ref, participant: 'teacher' };
  expect(second({ student: { model: large, init } })).toEqual([]);
  expect(second({ student: { model, init } })).toEqual([
    'stages.1.learners.student.init: teacher of stage first has another model',
  ]);
});

describe('names', () => {
  test('of two stages differ', () => {
    expect(mistakesOf(first, { ...first, name: 'second' }, first)).toEqual([
      'stages.2.name: there are two stages first',
    ]);
  });

  test('of a frozen model and a learner of its stage differ', () => {
    expect(second({ student: { model } }, { frozen: { student: ref } })).toEqual([
      'stages.1.frozen.student: a learner has the name student too',
    ]);
    expect(second({ student: { model } }, { frozen: { teacher: ref } })).toEqual([]);
  });
});

test(`a stage has at most ${MOST_FROZEN} frozen models`, () => {
  const frozen = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`m${index}`, ref]));
  expect(second({ student: { model } }, { frozen: frozen(MOST_FROZEN) })).toEqual([]);
  expect(second({ student: { model } }, { frozen: frozen(MOST_FROZEN + 1) })).toEqual([
    `stages.1.frozen: ${MOST_FROZEN + 1} frozen models, at most ${MOST_FROZEN} are possible`,
  ]);
});

describe('an objective', () => {
  const gated = { ...from('old'), gate: { kind: 'params-similarity' } };
  const objective = (...terms: readonly object[]) =>
    second({ student: { model, objective: terms } }, { frozen: { old: ref } });

  test('may be the terms of a frozen model alone', () => {
    expect(objective(from('old'))).toEqual([]);
  });

  test('has a term with a weight above 0', () => {
    expect(objective({ ...task, weight: 0 }, { ...from('old'), weight: 0 })).toEqual([
      'stages.1.learners.student.objective: nothing to learn from in stage second: a term with a weight above 0 is needed',
    ]);
  });

  test('has a task term where a gate compares with it', () => {
    expect(objective(task, gated)).toEqual([]);
    expect(objective(gated)).toEqual([
      'stages.1.learners.student.objective: a gate compares with the gradient of the task: a task term with a weight above 0 is needed',
    ]);
  });
});
