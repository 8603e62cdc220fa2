import { describe, expect, test } from 'vitest';
import { checkFrame } from './check-frame.js';
import type { FrameFormat, LogitsFrame } from './frame.js';
import { type SentLogits } from './frame.js';
import { inOrder } from './in-order.js';
import { toSent } from './sent-logits.js';

const position = { runId: 'r', stage: 2, attempt: 1, step: 7 };
const format: FrameFormat = { precision: 'float32' };
const expected = { position, batchDigest: 'aa', rows: 2, cols: 2, format };
const frame: LogitsFrame = {
  position,
  batchDigest: 'aa',
  logits: { rows: 2, cols: 2, data: Float32Array.of(1, 2, 3, 4) },
};

describe('checkFrame', () => {
  test('gives the logits of the same step and batch', () => {
    expect(checkFrame(frame, expected, 'student')).toBe(frame.logits.data);
  });

  test.each([
    ['run', { runId: 'other' }, 'the student sent run other, expected r'],
    ['stage', { stage: 1 }, 'the student sent stage 1, expected 2'],
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

describe('checkFrame of a run that sends the two largest of five logits in float16', () => {
  const largest = { ...expected, cols: 5, format: { precision: 'float16', topK: 2 } as const };
  const own = { rows: 2, cols: 5, data: Float32Array.of(5, 4, 0, 0, 0, 0, 0, 0, 6, 7) };
  const sent = toSent(own, largest.format, 'it');
  const check = (logits: SentLogits) => checkFrame({ ...frame, logits }, largest, 'teacher');
  const withClasses = (...classes: number[]) => ({
    ...sent,
    top: { ...sent.top!, classes: Uint16Array.from(classes) },
  });

  test('gives all logits of each row', () => {
    expect(check(sent)).toEqual(own.data);
  });

  test.each([
    ['all logits in float32', own],
    ['the 2 largest logits of each row in float32', toSent(own, { precision: 'float32', topK: 2 }, 'it')],
    ['the 1 largest logits of each row in float16', toSent(own, { precision: 'float16', topK: 1 }, 'it')],
  ])('refuses %s', (theirs, logits) => {
    expect(() => check(logits)).toThrow(
      `the teacher sent ${theirs} at step 7, expected the 2 largest logits of each row in float16`,
    );
  });

  test.each([
    [[0, 1, 4, 3], 'class 3 after 4 in row 1'],
    [[0, 0, 3, 4], 'class 0 after 0 in row 0'],
    [[0, 5, 3, 4], 'class 5 after 0 in row 0'],
  ])('refuses the classes %j, of which one is doubled, out of order or beyond the row', (classes, said) => {
    expect(() => check(withClasses(...classes))).toThrow(`the teacher sent ${said} at step 7, of 5 classes`);
  });

  test.each([
    ['data', { ...sent, data: new Uint16Array(3) }],
    ['numbers for the other classes', { ...sent, top: { ...sent.top!, rest: new Uint16Array(3) } }],
  ])('refuses %s of another length', (_name, logits) => {
    expect(() => check(logits)).toThrow(expect.objectContaining({ kind: 'out-of-step' }));
  });

  test('refuses a logit that is not finite, be it of one class or of all others', () => {
    const infinite = 0x7c00;
    expect(() => check({ ...sent, data: Uint16Array.of(0, 0, 0, infinite) })).toThrow('NaN in row 1, column 4');
    const rest = Uint16Array.of(infinite, 0);
    expect(() => check({ ...sent, top: { ...sent.top!, rest } })).toThrow('NaN in row 0, column 2');
  });
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
