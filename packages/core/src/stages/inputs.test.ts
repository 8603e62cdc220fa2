import { expect, test } from 'vitest';
import { RunSpec } from '../spec/run-spec.js';
import { inputsOf } from './inputs.js';
import { stageAt } from './stages-of.js';

const model = { kind: 'plain-cnn', channels: [4] };
const base = { name: 'r', data: { kind: 'synthetic' }, epochs: 1 };
const pair = { student: { model }, teacher: { model } };

test('a stage starts from its frozen models, and from params of learners that are not fresh', () => {
  const spec = RunSpec.parse({
    ...base,
    stages: [
      { name: 'first', learners: pair },
      { name: 'second', learners: { student: { model } } },
      {
        name: 'third',
        learners: {
          student: { model, init: { stage: 'second', participant: 'student', at: 'last' } },
          teacher: { model },
        },
        frozen: {
          large: { stage: 'first', participant: 'teacher' },
          small: { stage: 'second', participant: 'student' },
        },
      },
    ],
  });
  expect(inputsOf(spec, stageAt(spec, 2, false))).toEqual([
    { name: 'large', from: { kind: 'stage', stage: 'first', participant: 'teacher', at: 'best', index: 0 } },
    { name: 'small', from: { kind: 'stage', stage: 'second', participant: 'student', at: 'best', index: 1 } },
    { name: 'student', from: { kind: 'stage', stage: 'second', participant: 'student', at: 'last', index: 1 } },
  ]);
  expect(inputsOf(spec, stageAt(spec, 1, false))).toEqual([]);
});

test('an anchor is the student that was promoted, of whatever stage that was', () => {
  const spec = RunSpec.parse({ ...base, ...pair });
  expect(inputsOf(spec, stageAt(spec, 1, true))).toEqual([{ name: 'anchor', from: 'promoted' }]);
  expect(inputsOf(spec, stageAt(spec, 1, false))).toEqual([]);
});

test('a model that is trained twice is found in the stage that is named', () => {
  const spec = RunSpec.parse({ ...base, student: { model }, method: 'born-again' });
  expect(inputsOf(spec, stageAt(spec, 2, false))).toEqual([
    { name: 'previous', from: { kind: 'stage', stage: 'generation-1', participant: 'student', at: 'best', index: 1 } },
  ]);
});
