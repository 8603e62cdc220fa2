import { describe, expect, test } from 'vitest';
import { checkFrame } from './check-frame.js';
import type { LogitsFrame } from './frame.js';
import { inOrder } from './in-order.js';

const position = { runId: 'r', generation: 2, attempt: 1, step: 7 };
const expected = { position, batchDigest: 'aa', rows: 2, cols: 2 };
const frame: LogitsFrame = {
  position,
  batchDigest: 'aa',
  logits: { rows: 2, cols: 2, data: Float32Array.of(1, 2, 3, 4) },
};

describe('checkFrame', () => {
  test('accepts the frame of the same step and batch', () => {
    expect(() => checkFrame(frame, expected, 'student')).not.toThrow();
  });

  test.each([
    ['run', { runId: 'other' }, 'the student sent run other, expected r'],
    ['generation', { generation: 1 }, 'the student sent generation 1, expected 2'],
    ['attempt', { attempt: 3 }, 'the student sent attempt 3, expected 1'],
    ['step', { step: 8 }, 'the student sent step 8, expected 7'],
  ])('refuses a frame of another %s', (_name, change, message) => {
    const other = { ...frame, position: { ...position, ...change } };
    expect(() => checkFrame(other, expected, 'student')).toThrow(
      expect.objectContaining({ kind: 'out-of-step', message }),
    );
  });

  test('refuses a frame that was computed from another batch, and keeps its own digest to itself', () => {
    expect(() => checkFrame({ ...frame, batchDigest: 'bb' }, expected, 'student')).toThrow(
      expect.objectContaining({
        kind: 'out-of-step',
        message: 'the student saw another batch at step 7: digest bb',
      }),
    );
  });

  test('refuses another shape, and data that do not fill it', () => {
    const wide = { ...frame, logits: { rows: 2, cols: 3, data: new Float32Array(6) } };
    const short = { ...frame, logits: { rows: 2, cols: 2, data: new Float32Array(3) } };
    for (const bad of [wide, short]) {
      expect(() => checkFrame(bad, expected, 'anchor')).toThrow(expect.objectContaining({ kind: 'out-of-step' }));
    }
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'names the row of a logit that is %s, and does not call the run diverged',
    (value) => {
      const bad = { ...frame, logits: { rows: 2, cols: 2, data: Float32Array.of(0, 0, value, 0) } };
      expect(() => checkFrame(bad, expected, 'teacher')).toThrow(
        expect.objectContaining({
          kind: 'out-of-step',
          message: `the teacher sent ${value} in row 1, column 0 at step 7`,
        }),
      );
    },
  );
});

describe('inOrder', () => {
  async function* stepsOf(...steps: number[]) {
    for (const step of steps) yield { ...frame, position: { ...position, step } };
  }

  async function collect(frames: AsyncIterable<LogitsFrame>) {
    const steps: number[] = [];
    for await (const { position } of frames) steps.push(position.step);
    return steps;
  }

  test('drops frames that came already', async () => {
    expect(await collect(inOrder(stepsOf(2, 3, 4, 3, 4, 5), 3))).toEqual([3, 4, 5]);
  });

  test('refuses a gap', async () => {
    await expect(collect(inOrder(stepsOf(3, 5), 3))).rejects.toMatchObject({
      kind: 'out-of-step',
      message: 'expected step 4, got 5',
    });
  });
});
