import { describe, expect, test } from 'vitest';
import { anchorOf, askedModels, runsIn, versionsOf } from './asked-models.js';

const versions = (model: string, ...all: readonly string[]) => all.map((version) => ({ model, version }));
const index = [
  ...versions('lr-10', '0'),
  ...versions('lr-9', '0', '10', '2'),
  ...versions('lr-9.teacher', '0', '2'),
  ...versions('lr-90.teacher', '7'),
];

test('runs are in the order of people, and versions in that of numbers', () => {
  expect(runsIn(index)).toEqual(['lr-9', 'lr-10', 'lr-90']);
  expect(versionsOf(index, 'lr-9')).toEqual([0, 2, 10]);
});

describe('of a run are asked', () => {
  test('the student, the teacher beside it and the student before', () => {
    expect(askedModels(index, 'lr-9', 2)).toEqual([
      { title: 'student', model: 'lr-9', version: '2' },
      { title: 'teacher', model: 'lr-9.teacher', version: '2' },
      { title: 'previous student', model: 'lr-9', version: '0' },
    ]);
  });

  test('the anchor instead, where it is known', () => {
    expect(askedModels(index, 'lr-9', 10, 0).at(-1)).toEqual({ title: 'anchor', model: 'lr-9', version: '0' });
  });

  test('the last teacher, if its own stage trained none', () => {
    expect(askedModels(index, 'lr-9', 10)[1]).toEqual({ title: 'teacher', model: 'lr-9.teacher', version: '2' });
  });

  test('the student alone, if there is nothing else', () => {
    expect(askedModels(index, 'lr-10', 0)).toEqual([{ title: 'student', model: 'lr-10', version: '0' }]);
  });

  test('no more than fit, the student before among them', () => {
    const many = ['a', 'b', 'c', 'd'].flatMap((name) => versions(`lr-9.${name}`, '0'));
    const asked = askedModels([...index, ...many], 'lr-9', 10);
    expect(asked.map(({ title }) => title)).toEqual(['student', 'a', 'b', 'previous student']);
  });
});

describe('the anchor of a generation', () => {
  const moves = [
    { stage: 0, during: 0, byRule: true },
    { stage: 2, during: 2, byRule: true },
    { stage: 0, during: 4, byRule: false },
  ];

  test.each([
    [0, undefined],
    [1, 0],
    [2, 0],
    [3, 2],
    [4, 0],
  ])('%d is the student that was the anchor last before its training', (stage, anchor) => {
    expect(anchorOf(moves, stage)).toBe(anchor);
  });
});
