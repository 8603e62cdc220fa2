import { describe, expect, test } from 'vitest';
import { RunSpec } from '../spec/run-spec.js';
import { asRun, consumersOf, learnerIn, learnerOf, type Stage, sourcesOf } from './stage.js';
import { stageAt, stagesOf } from './stages-of.js';

const model = { kind: 'plain-cnn', channels: [4] };
const task = { kind: 'task' };
const from = (name: string, weight = 1) => ({ kind: 'distillation', from: name, weight });
const base = { name: 'r', data: { kind: 'synthetic' }, epochs: 1 };
const first = { name: 'first', learners: { student: { model }, teacher: { model } } };
const ref = { stage: 'first', participant: 'student' };

/** The second stage of a run whose first one trains a student and a teacher. */
function stageWith(learners: object, frozen: object = {}): Stage {
  const spec = RunSpec.parse({ ...base, stages: [first, { name: 'second', learners, frozen }] });
  return stageAt(spec, 1, false);
}

/** A generation of TriKD that has an anchor once there is a student to be one. */
function generation(student: readonly object[], teacher: readonly object[]): Stage {
  const role = (objective: readonly object[]) => ({ model, objective });
  return stagesOf(RunSpec.parse({ ...base, student: role(student), teacher: role(teacher) }))[1]!;
}

const hearing = (...terms: readonly object[]) => ({ model, objective: terms });

describe('the sources of a learner', () => {
  test('are the participants that its terms name, frozen ones first, each once', () => {
    const objective = [task, from('teacher'), from('old'), from('teacher', 2), from('older')];
    const stage = stageWith(
      { student: hearing(...objective), teacher: { model } },
      { older: ref, unheard: ref, old: { ...ref, participant: 'teacher' } },
    );
    expect(sourcesOf(stage, learnerOf(stage, 'student'))).toEqual(['older', 'old', 'teacher']);
    expect(sourcesOf(stage, learnerOf(stage, 'teacher'))).toEqual([]);
  });

  test('are asked for at weight 0 too, for a weight may be a schedule', () => {
    const stage = stageWith({ student: hearing(task, from('teacher', 0)), teacher: { model } });
    expect(sourcesOf(stage, learnerOf(stage, 'student'))).toEqual(['teacher']);
  });
});

test('the consumers of a participant are the slots whose learners name it', () => {
  const stage = stageWith(
    { large: hearing(task, from('old'), from('small')), small: hearing(task, from('old'), from('silent')) },
    { old: ref, silent: ref, unheard: ref },
  );
  expect(learnerIn(stage, 'student')?.name).toBe('large');
  const consumers = ['large', 'small', 'old', 'silent', 'unheard'].map((name) => consumersOf(stage, name));
  expect(consumers).toEqual([[], ['student'], ['student', 'teacher'], ['teacher'], []]);
});

describe('a slot without a learner', () => {
  const stage = stageWith({ student: { model } });

  test('is idle', () => {
    expect(learnerIn(stage, 'teacher')).toBeUndefined();
  });

  test('is refused by the name of the stage where a learner is needed', () => {
    expect(() => learnerOf(stage, 'teacher')).toThrow(
      expect.objectContaining({ kind: 'invalid', message: 'stage second trains no model in the teacher-trainer' }),
    );
  });
});

describe('a stage as it is run', () => {
  const anchored = generation([task, from('anchor'), from('peer')], [from('anchor'), task]);
  const termsOf = ({ learners }: Stage) =>
    learners.map(({ name, objective }) => [name, objective.map((term) => (term.kind === 'task' ? 'task' : term.from))]);

  test('is itself when a student was promoted', () => {
    expect(asRun(anchored, true)).toBe(anchored);
  });

  test('has neither anchor nor terms that ask it before one was', () => {
    const bare = asRun(anchored, false);
    expect(bare.frozen).toEqual([]);
    expect(termsOf(bare)).toEqual([
      ['student', ['task', 'teacher']],
      ['teacher', ['task']],
    ]);
    const { learners: _learners, frozen: _frozen, ...rest } = anchored;
    expect(bare).toMatchObject(rest);
  });

  test('keeps frozen models of earlier stages, whether a student was promoted or not', () => {
    const stage = stageWith({ student: hearing(task, from('old')) }, { old: ref });
    expect(asRun(stage, false)).toBe(stage);
  });
});

describe('the stages of a run', () => {
  const spec = RunSpec.parse({ ...base, student: { model }, teacher: { model } });

  test('are made once for each spec', () => {
    expect(stagesOf(spec)).toBe(stagesOf(spec));
  });

  test('end with the last: a later one is refused', () => {
    expect(stageAt(spec, 2, true).name).toBe('generation-2');
    expect(() => stageAt(spec, 3, true)).toThrow(
      expect.objectContaining({ kind: 'invalid', message: 'run r has 3 stages, stage 3 was requested' }),
    );
  });
});
