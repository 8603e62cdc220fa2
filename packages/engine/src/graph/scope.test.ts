import { describe, expect, test } from 'vitest';
import { float32 } from '../dtype.js';
import type { Session } from '../engine.js';
import { traceFunctions, withSession } from '../testing/programs.js';
import { tf } from '../tfjs-internals/tf.js';

/** Sends twice its input, hears two values, and answers with the sum of everything. */
const program = traceFunctions({
  exchange: {
    inputs: { x: float32(2) },
    body(scope) {
      const doubled = tf.mul(scope.inputs.x!, 2);
      scope.send('doubled', doubled);
      const [left, right] = [scope.receive('left', [2]), scope.receive('right', [2])];
      return { sum: tf.addN([doubled, left, right]) };
    },
  },
  averaged: {
    inputs: { x: float32(2), y: float32() },
    body(scope) {
      const [x, y] = scope.averaged([scope.inputs.x!, scope.inputs.y!], 4, { share: 'share', sum: 'total' });
      return { x: x!, y: y! };
    },
  },
  identity: { inputs: { x: float32(2) }, body: ({ inputs }) => ({ y: tf.neg(inputs.x!) }) },
});

const X = Float32Array.of(1, 2);
const run = (session: Session) => session.run('exchange', { x: X });
const cancelled = expect.objectContaining({ name: 'EngineError', code: 'CANCELLED' });

describe('a port', () => {
  test('hands a value out and takes others in while the run goes on', () =>
    withSession(program, async (session) => {
      let ended = false;
      const running = run(session).finally(() => {
        ended = true;
      });
      expect(await session.take('doubled')).toEqual(Float32Array.of(2, 4));
      await session.put('right', Float32Array.of(100, 200));
      // The run cannot have ended: it still lacks the left.
      expect(ended).toBe(false);
      await session.put('left', Float32Array.of(10, 20));
      expect(await running).toEqual({ sum: Float32Array.of(112, 224) });
    }));

  test('keeps a value that comes before the run that needs it', () =>
    withSession(program, async (session) => {
      await session.put('left', Float32Array.of(1, 1));
      await session.put('right', Float32Array.of(2, 2));
      expect(await run(session)).toEqual({ sum: Float32Array.of(5, 7) });
      expect(await session.take('doubled')).toEqual(Float32Array.of(2, 4));
    }));

  test('keeps the order of values', () =>
    withSession(program, async (session) => {
      for (const step of [1, 2, 3]) {
        await session.put('left', Float32Array.of(step, 0));
        await session.put('right', Float32Array.of(0, step));
        const [, { sum }] = await Promise.all([
          session.take('doubled'),
          session.run('exchange', { x: new Float32Array(2) }),
        ]);
        expect(sum).toEqual(Float32Array.of(step, step));
      }
    }));

  test('makes a third value wait while two are in it', () =>
    withSession(program, async (session) => {
      const put = (value: number) => session.put('left', Float32Array.of(value, value));
      await put(1);
      await put(2);
      let third = false;
      const waiting = put(3).then(() => {
        third = true;
      });
      await session.put('right', X);
      expect(third).toBe(false);
      await run(session);
      await waiting;
      expect(third).toBe(true);
    }));

  test('is refused by name when it is used the wrong way', () =>
    withSession(program, async (session) => {
      await expect(session.take('left')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', operation: 'left' });
      await expect(session.put('doubled', X)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', operation: 'doubled' });
      await expect(session.take('nowhere')).rejects.toMatchObject({ code: 'NOT_FOUND', operation: 'nowhere' });
      const message = 'left: expected 2 values for [2], got 3';
      await expect(session.put('left', new Float32Array(3))).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message,
      });
    }));
});

test('values that are averaged go out flat, and continue as the mean of a sum', () =>
  withSession(program, async (session) => {
    const running = session.run('averaged', { x: X, y: 3 });
    expect(await session.take('share')).toEqual(Float32Array.of(1, 2, 3));
    await session.put('total', Float32Array.of(4, 8, 2));
    expect(await running).toEqual({ x: Float32Array.of(1, 2), y: Float32Array.of(0.5) });
  }));

describe('closing a session', () => {
  test('ends a run that waits for a value, a take and a put that wait, all with CANCELLED', () =>
    withSession(program, async (session) => {
      const running = run(session);
      await session.take('doubled');
      await session.put('left', X);
      await session.put('left', X);
      await session.put('left', X);
      const waiting = [running, session.take('doubled'), session.put('left', X)];
      const outcomes = Promise.allSettled(waiting);
      await session.close();
      expect(await outcomes).toEqual(waiting.map(() => ({ status: 'rejected', reason: cancelled })));
    }));

  test('may be repeated, and everything after it is refused by name', () =>
    withSession(program, async (session) => {
      await Promise.all([session.close(), session.close()]);
      await session.close();
      const closed = { code: 'FAILED_PRECONDITION', message: 'the session is closed' };
      await expect(run(session)).rejects.toMatchObject(closed);
      await expect(session.take('doubled')).rejects.toMatchObject(closed);
    }));
});

describe('a function', () => {
  test('runs once at a time, while others run beside it', () =>
    withSession(program, async (session) => {
      const running = run(session);
      const busy = { code: 'FAILED_PRECONDITION', operation: 'exchange' };
      await expect(run(session)).rejects.toMatchObject(busy);
      await expect(session.profile('exchange', { x: X })).rejects.toMatchObject(busy);
      expect(await session.run('identity', { x: X })).toEqual({ y: Float32Array.of(-1, -2) });
      await session.put('left', X);
      await session.put('right', X);
      await running;
      await session.put('left', X);
      await session.put('right', X);
      expect(await run(session)).toEqual({ sum: Float32Array.of(4, 8) });
    }));

  test('that writes no state and uses no port runs several times at once', () =>
    withSession(program, async (session) => {
      const runs = await Promise.all(
        [1, 2, 3].map((value) => session.run('identity', { x: Float32Array.of(value, 0) })),
      );
      expect(runs).toEqual([1, 2, 3].map((value) => ({ y: Float32Array.of(-value, -0) })));
    }));

  test('says how long each op took when it is profiled', () =>
    withSession(program, async (session) => {
      const { outputs, ops } = await session.profile('identity', { x: X });
      expect(outputs).toEqual(await session.run('identity', { x: X }));
      const [negation] = ops.filter(({ type }) => type === 'Neg');
      expect(negation!.name).toMatch(/^Neg_\d+$/);
      expect(negation!.duration).toBeGreaterThan(0);
      expect(program.shapes.get(negation!.name)).toEqual([[2]]);
    }));
});
