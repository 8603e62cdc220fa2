import { expect, test } from 'vitest';
import { SWEEP } from './cells.ts';
import { networksOf } from './networks.ts';

test('one name is a student alone, two are a trio', () => {
  expect(networksOf('resnet-20')).toEqual({ student: { kind: 'resnet', depth: 20, width: 16 } });
  expect(networksOf('wrn-16-2/wrn-40-2')).toEqual({
    student: { kind: 'wrn', depth: 16, widen: 2 },
    teacher: { kind: 'wrn', depth: 40, widen: 2 },
  });
});

test('every network of the sweep exists', () => {
  for (const models of SWEEP.models) expect(networksOf(models).student).toBeDefined();
});

test.each(['resnet-21', 'resnet-20-2', 'wrn-16', 'vgg-8', '', 'resnet-20/', 'resnet-20/resnet-56/resnet-20'])(
  'refuses %s',
  (models) => {
    expect(() => networksOf(models)).toThrow(RangeError);
  },
);
