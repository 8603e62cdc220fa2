import { expect, test } from 'vitest';
import { float32 } from '../dtype.js';
import { traceFunctions, withSession } from '../testing/programs.js';
import { tf } from '../tfjs-internals/tf.js';

const X = [-2, -0, 0, 1e-30, 3];
const DY = [5, 6, 7, 8, 9];

test('passes the gradient where the output is positive, and nothing at zero or below', async () => {
  const program = traceFunctions({
    relu: {
      inputs: { x: float32(5), dy: float32(5) },
      body: ({ inputs }) => ({ gradient: tf.grad((x) => tf.relu(x))(inputs.x!, inputs.dy!) }),
    },
  });
  const feeds = { x: Float32Array.from(X), dy: Float32Array.from(DY) };
  const { gradient } = await withSession(program, (session) => session.run('relu', feeds));
  expect(Array.from(gradient!)).toEqual([0, 0, 0, 8, 9]);
});

test('does the same outside of a graph', () => {
  const gradient = tf.tidy(() =>
    tf
      .grad((x) => tf.relu(x))(tf.tensor1d(X), tf.tensor1d(DY))
      .dataSync(),
  );
  expect(Array.from(gradient)).toEqual([0, 0, 0, 8, 9]);
});
