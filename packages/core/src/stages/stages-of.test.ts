import { describe, expect, test } from 'vitest';
import { RunSpec } from '../spec/run-spec.js';
import type { Stage } from './stage.js';
import { mostReplicas, stageAt } from './stages-of.js';

describe('most replicas', () => {
  const model = { kind: 'plain-cnn', channels: [4] };
  const common = { name: 'trial', data: { kind: 'synthetic' }, batchSize: 32, epochs: 2 };
  const most = (more: object) => mostReplicas(RunSpec.parse({ ...common, ...more }));

  test('a slot has as many replicas as the learner with the most of them', () => {
    expect(most({ method: 'kd', student: { model, replicas: 4 }, teacher: { model } })).toEqual({
      student: 4,
      teacher: 1,
    });
    const chain = { student: { model }, teacher: { model, replicas: 2 }, assistants: [{ model, replicas: 8 }] };
    expect(most({ method: 'takd', ...chain })).toEqual({ student: 1, teacher: 8 });
  });

  test('a slot without a learner counts as one', () => {
    expect(most({ method: 'ce', student: { model } })).toEqual({ student: 1, teacher: 1 });
  });
});

describe('stages written', () => {
  const model = { kind: 'plain-cnn', channels: [4] };
  const large = { kind: 'plain-cnn', channels: [32] };
  const base = { name: 'r', data: { kind: 'synthetic', train: 256 }, batchSize: 16, epochs: 4, warmupSteps: 10 };

  const specOf = (...stages: readonly object[]) => RunSpec.parse({ ...base, stages });
  /** The only stage of a run. */
  const written = (learners: object, more: object = {}): Stage =>
    stageAt(specOf({ name: 'only', learners, ...more }), 0, false);

  describe('the slots of learners', () => {
    const slots = (learners: object) => written(learners).learners.map(({ name, slot }) => `${name} in ${slot}`);

    test.for<[string, object, readonly string[]]>([
      ['of their names', { teacher: {}, student: {} }, ['teacher in teacher', 'student in student']],
      ['of students, for one with another name', { net: {} }, ['net in student']],
      ['of teachers, for a teacher alone', { teacher: {} }, ['teacher in teacher']],
      ['that a student leaves free', { net: {}, student: {} }, ['net in teacher', 'student in student']],
      ['that a teacher leaves free', { teacher: {}, net: {} }, ['teacher in teacher', 'net in student']],
      ['in their order, for other names', { one: {}, two: {} }, ['one in student', 'two in teacher']],
      [
        'that they are given',
        { one: { slot: 'teacher' }, two: { slot: 'student' } },
        ['one in teacher', 'two in student'],
      ],
      [
        'that one with a given slot leaves free',
        { one: { slot: 'teacher' }, two: {} },
        ['one in teacher', 'two in student'],
      ],
      ['that a later one leaves free', { one: {}, two: { slot: 'student' } }, ['one in teacher', 'two in student']],
      [
        'that a student in the slot of teachers leaves free',
        { student: { slot: 'teacher' }, net: {} },
        ['student in teacher', 'net in student'],
      ],
    ])('are those %s', ([_name, learners, expected]) => {
      const whole = Object.entries(learners).map(([name, each]) => [name, { model, ...each }]);
      expect(slots(Object.fromEntries(whole))).toEqual(expected);
    });
  });

  describe('the learner that decides when a stage has converged', () => {
    test.for<[string, readonly string[], string]>([
      ['is the student', ['teacher', 'student'], 'student'],
      ['is the only one', ['net'], 'net'],
      ['is the first one where none is a student', ['two', 'one'], 'two'],
    ])('%s', ([_name, names, decisive]) => {
      expect(written(Object.fromEntries(names.map((name) => [name, { model }]))).decisive).toBe(decisive);
    });

    test('is the one that is named', () => {
      expect(written({ teacher: { model }, student: { model } }, { decisive: 'teacher' }).decisive).toBe('teacher');
    });
  });

  describe('the objective of a learner', () => {
    const objectives = ({ learners }: Stage) => learners.map(({ objective }) => objective);

    test('is the labels where none is written', () => {
      expect(objectives(written({ net: { model } }))).toEqual([[{ kind: 'task', weight: 1 }]]);
    });

    test('may call the other learner peer', () => {
      const peer = { kind: 'distillation', from: 'peer', weight: 0.5, temperature: 2 };
      const learner = { model, objective: [peer] };
      expect(objectives(written({ one: learner, two: learner }))).toEqual([
        [{ ...peer, from: 'two' }],
        [{ ...peer, from: 'one' }],
      ]);
    });

    test('may be what one frozen model answers, and nothing else', () => {
      const objective = [{ kind: 'distillation', from: 'old', weight: 1, temperature: 4 }];
      const second = {
        name: 'second',
        learners: { net: { model, objective } },
        frozen: { old: { stage: 'first', participant: 'net' } },
      };
      const spec = specOf({ name: 'first', learners: { net: { model } } }, second);
      expect(objectives(stageAt(spec, 1, false))).toEqual([objective]);
    });
  });

  describe('params of an earlier stage', () => {
    const ref = { stage: 'first', participant: 'net' };
    const first = { name: 'first', learners: { net: { model: large } } };
    const second = (more: object, learner: object = {}) =>
      stageAt(specOf(first, { name: 'second', learners: { net: { model: large, ...learner } }, ...more }), 1, false);

    test('are the best ones, unless the last ones are asked for', () => {
      const frozen = { best: ref, last: { ...ref, at: 'last' } };
      expect(second({ frozen }).frozen.map(({ from }) => from)).toEqual([
        { kind: 'stage', ...ref, at: 'best' },
        { kind: 'stage', ...ref, at: 'last' },
      ]);
    });

    test('make a frozen model of the architecture that was trained', () => {
      expect(second({ frozen: { old: ref } }, { model }).frozen[0]!).toMatchObject({ model: large });
    });

    test('are what a learner starts from where it says so, and fresh ones where not', () => {
      expect(second({}, { init: ref }).learners[0]!.init).toEqual({ kind: 'stage', ...ref, at: 'best' });
      expect(second({}).learners[0]!.init).toBe('fresh');
    });
  });

  describe('the budget of a stage', () => {
    const spec = specOf(
      { name: 'short', learners: { net: { model } }, epochs: 1, warmupSteps: 3, schedule: { kind: 'constant' } },
      { name: 'patient', learners: { net: { model } }, convergence: { patience: 2 } },
    );
    const budgetOf = ({ epochs, warmupSteps, schedule, convergence }: Stage) => ({
      ...{ epochs, warmupSteps, schedule: schedule.kind, patience: convergence.patience },
    });

    test('is its own where it has one, and otherwise that of the run', () => {
      expect([0, 1].map((index) => budgetOf(stageAt(spec, index, false)))).toEqual([
        { epochs: 1, warmupSteps: 3, schedule: 'constant', patience: 0 },
        { epochs: 4, warmupSteps: 10, schedule: 'cosine', patience: 2 },
      ]);
    });

    test('has validations and checkpoints as the run', () => {
      const { evaluation, checkpoint } = spec;
      expect(stageAt(spec, 0, false)).toMatchObject({ evaluation, checkpoint });
    });

    test('has room for its own warm-up', () => {
      const long = { name: 'long', learners: { net: { model } }, epochs: 1, warmupSteps: 17 };
      expect(() => specOf(long)).toThrow('17 steps of warm-up are more than the 16 steps of a stage');
    });
  });

  test('stages that are written out are no generations, and promote nobody', () => {
    const stage = written({ student: { model } });
    expect([stage.generation, stage.promotes]).toEqual([undefined, false]);
  });
});
