import { RunSpec } from '@trikd/core/spec/run-spec';
import { describe, expect, test } from 'vitest';
import { explained } from '../commands/explain/explain.js';
import { explainedText } from '../commands/explain/text.js';

const student = { model: { kind: 'plain-cnn', channels: [4] } };
const teacher = { model: { kind: 'plain-cnn', channels: [8] } };
const common = { name: 'trial', data: { kind: 'synthetic' }, batchSize: 32, warmupSteps: 0, epochs: 2 };
const specOf = (more: object) => RunSpec.parse({ ...common, ...more });
const data = { train: 256, shape: { height: 8, width: 8, channels: 1, classes: 4 } };
const textOf = (more: object, known: Parameters<typeof explained>[1] = data) =>
  explainedText(explained(specOf(more), known)).split('\n');
const passes = (more: object, known: Parameters<typeof explained>[1] = data) =>
  explained(specOf(more), known).total.passes;

describe('a run is explained', () => {
  test('by who learns from whom in each stage, and the length of it', () => {
    const lines = textOf({ method: 'kd', student, teacher });
    expect(lines.slice(0, 7)).toEqual([
      'run trial: method kd, 2 stages',
      '',
      'teacher: 2 epochs, 16 steps',
      '  labels -> teacher  weight 1',
      '',
      'student: 2 epochs, 16 steps',
      '  labels                                     -> student  weight 0.1',
    ]);
    expect(lines[7]).toBe('  teacher (frozen, from stage teacher, best) -> student  kl, weight 0.9, temperature 4');
    expect(lines.at(-1)).toBe('in all 4 epochs, 32 steps; validations come on top');
  });

  test('by its stages, those that are alike at once', () => {
    const lines = textOf({ student, teacher, curriculum: { generations: 4 } });
    expect(lines[0]).toBe('run trial: method trikd, 4 stages');
    expect(lines.filter((line) => line.includes('epochs, 16 steps'))).toEqual([
      'generation-0: 2 epochs, 16 steps',
      'generation-1 to generation-3: each 2 epochs, 16 steps',
    ]);
    expect(lines).toContain('  anchor (frozen, the student promoted last) -> teacher  kl, weight 1, temperature 4');
  });

  test('with losses, schedules and learned temperatures as settings', () => {
    const hint = { kind: 'distillation', from: 'peer' };
    const weight = {
      points: [
        [0, 0],
        [0.5, 1],
      ],
    };
    const objective = [
      { kind: 'task' },
      { ...hint, weight, temperature: { learned: true, from: 2 }, loss: { kind: 'dkd', beta: 4 } },
      { ...hint, loss: { kind: 'mse' } },
    ];
    const lines = textOf({ student: { ...student, objective }, teacher });
    expect(lines[4]).toMatch(
      /^ {2}teacher -> student {2}dkd \(.*beta 4.*\), weight \(points \[\[0, 0\], \[0.5, 1\]\]\), /,
    );
    expect(lines[4]).toMatch(/, temperature \(learned, from 2\)$/);
    expect(lines[5]).toBe('  teacher -> student  mse, weight 1');
  });

  test('with the replicas of its learners', () => {
    const lines = textOf({ method: 'kd', student: { ...student, replicas: 4 }, teacher });
    expect(lines.filter((line) => line.includes('replicas'))).toEqual([
      '  student trains as 4 replicas, each on 1/4 of every batch',
    ]);
  });

  test('with what its models cost', () => {
    const row = (line: string) =>
      line
        .split('│')
        .slice(1, -1)
        .map((cell) => cell.trim());
    const rows = textOf({ method: 'kd', student, teacher })
      .filter((line) => line.includes('│'))
      .map(row);
    expect(rows.slice(1)).toEqual([
      ['teacher', 'teacher', '2156', '1', '1', '16', '16'],
      ['student', 'student', '1080', '1', '1', '16', '16'],
      ['', 'teacher', '2156', '1', '0', '16', '0'],
      ['all stages', 'teacher', '', '', '', '32', '16'],
      ['', 'student', '', '', '', '16', '16'],
    ]);
  });

  test('by its written stages, with settings and starts of their own', () => {
    const gate = { kind: 'params-similarity', threshold: 0.5 };
    const stages = [
      { name: 'first', learners: { student } },
      {
        name: 'second',
        epochs: 1,
        convergence: { patience: 2 },
        frozen: { before: { stage: 'first', participant: 'student', at: 'last' } },
        learners: {
          student: {
            ...{ ...student, init: { stage: 'first', participant: 'student' } },
            objective: [{ kind: 'task' }, { kind: 'distillation', from: 'before', gate }],
          },
        },
      },
    ];
    const hint = 'kl, weight 1, temperature 4, gate params-similarity (threshold 0.5)';
    const lines = textOf({ stages });
    expect(lines[0]).toBe('run trial: 2 stages');
    expect(lines.slice(5, 9)).toEqual([
      'second: at most 1 epoch, 8 steps',
      '  labels                                          -> student  weight 1',
      `  before (frozen, student from stage first, last) -> student  ${hint}`,
      '  student starts as student from stage first, best',
    ]);
    expect(lines.at(-1)).toBe('in all at most 3 epochs, 24 steps; validations come on top');
  });
});

describe('passes are counted', () => {
  test('for a gate that compares gradients by the params once more backward', () => {
    expect(passes({ method: 'sckd', student, teacher })).toEqual({
      teacher: { forward: 32, backward: 16 },
      student: { forward: 16, backward: 32 },
    });
  });

  test('not for a frozen model that no learner asks', () => {
    const alone = { objective: [{ kind: 'task' }] };
    const curriculum = { generations: 2 };
    expect(passes({ student: { ...student, ...alone }, teacher: { ...teacher, ...alone }, curriculum })).toMatchObject({
      anchor: { forward: 0, backward: 0 },
      student: { forward: 32, backward: 32 },
    });
  });

  test('in epochs where the number of training images is not known, and params are the least then', () => {
    const problem = 'no folder contains them';
    const files = { data: { kind: 'idx' }, method: 'ce', student };
    expect(passes(files, { problem })).toEqual({ student: { forward: 2, backward: 2 } });
    const lines = textOf(files, { problem });
    expect(lines.find((line) => line.includes('model'))).toMatch(/params, at least .*forward, epochs/);
    expect(lines.slice(-2)).toEqual([
      'in all 2 epochs; validations come on top',
      'the data could not be read: no folder contains them',
    ]);
  });
});

test('a run that generations without gain may end has at most its stages', () => {
  const curriculum = { generations: 3, patience: 1 };
  expect(textOf({ student, teacher, curriculum })[0]).toBe('run trial: method trikd, at most 3 stages');
  expect(textOf({ student, teacher, curriculum }).at(-1)).toMatch(/^in all at most 6 epochs/);
});
