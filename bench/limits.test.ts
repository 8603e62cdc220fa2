import { expect, test } from 'vitest';
import type { Cell } from './cells.ts';
import { limitsOf, paramsOf, workOf } from './limits.ts';

const alone: Cell = { models: 'resnet-20', batch: 1, classes: 100, precision: 'float32' };
const trio: Cell = { ...alone, models: 'resnet-20/resnet-56' };

test('a step trains with three passes, and the anchor of a trio adds one pass of the student', () => {
  const [student, teacher] = [workOf(alone), workOf({ ...alone, models: 'resnet-56' })];
  // 40.55 million without the convolutions of two shortcuts, 0.13 million each, and the logits of 100 classes.
  expect(student.multiplyAdds / 3).toBeCloseTo(40.82e6, -4);
  expect(workOf(trio).multiplyAdds).toBe(student.multiplyAdds + teacher.multiplyAdds + student.multiplyAdds / 3);
});

test('work grows with the batch, and bfloat16 halves the bytes alone', () => {
  const one = workOf(alone);
  expect(workOf({ ...alone, batch: 32 })).toEqual({ multiplyAdds: 32 * one.multiplyAdds, bytes: 32 * one.bytes });
  expect(workOf({ ...alone, precision: 'bfloat16' })).toEqual({ ...one, bytes: one.bytes / 2 });
});

test('limits are the work over what the machine can do, and without instructions for bfloat16 its limit is that of float32', () => {
  const peak = { float32: 500e9, bfloat16: 1000e9, memory: 20e9 };
  const work = { multiplyAdds: 25e9, bytes: 2e9 };
  expect(limitsOf(work, peak, 'float32')).toEqual({ arithmetic: 100, memory: 100 });
  expect(limitsOf(work, peak, 'bfloat16').arithmetic).toBe(50);
  expect(limitsOf(work, { ...peak, bfloat16: 0 }, 'bfloat16').arithmetic).toBe(100);
});

test('counts the params that PyTorch has, the statistics of batch norm included', () => {
  expect(paramsOf(trio)).toEqual({ student: 279_892, teacher: 865_876 });
  expect(paramsOf({ ...alone, models: 'wrn-16-2' })).toEqual({ student: 705_108 });
  expect(paramsOf({ ...alone, models: 'mobilenet-v2' })).toEqual({ student: 831_204 });
});
