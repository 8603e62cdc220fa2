import type { layers, Scalar } from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { float32, int32 } from '../dtype.js';
import type { Session } from '../engine.js';
import { ONE_THREAD, traceFunctions, withSession } from '../testing/programs.js';
import { tf } from '../tfjs-internals/tf.js';
import { type FunctionDefinition, trace } from './trace.js';

type Layer = layers.Layer;

const [ROWS, STEPS, CHANNELS] = [16, 8, 8];
const SIZE = ROWS * STEPS * CHANNELS;
const ONES = new Float32Array(SIZE).fill(1);

const apply = (training: boolean): FunctionDefinition => ({
  inputs: { x: float32(ROWS, STEPS, CHANNELS), seed: int32(), step: int32() },
  body: (scope) => {
    const random = { seed: scope.inputs.seed as Scalar, step: scope.inputs.step as Scalar };
    // TensorFlow refuses to fetch what it is fed.
    return { y: tf.neg(tf.neg(scope.model(scope.inputs.x!, { training, random }))) };
  },
});

/** Layers one after the other. */
const program = (...noise: Layer[]) =>
  trace(
    () => {
      const input = tf.input({ shape: [STEPS, CHANNELS] });
      const output = noise.reduce((node, layer) => layer.apply(node) as typeof input, input);
      return tf.model({ inputs: input, outputs: output });
    },
    { train: apply(true), predict: apply(false) },
  );

const train = async (session: Session, seed: number, step: number) =>
  (await session.run('train', { x: ONES, seed, step })).y!;

const noises: Readonly<Record<string, () => Layer>> = {
  dropout: () => tf.layers.dropout({ rate: 0.25 }),
  spatialDropout1d: () => tf.layers.spatialDropout1d({ rate: 0.5 }),
  gaussianNoise: () => tf.layers.gaussianNoise({ stddev: 0.5 }),
  gaussianDropout: () => tf.layers.gaussianDropout({ rate: 0.25 }),
  alphaDropout: () => tf.layers.alphaDropout({ rate: 0.25 }),
};

const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe.each(Object.entries(noises))('%s', (_name, layer) => {
  test('draws the same for the same seed and step, and anew for another of either', () =>
    withSession(program(layer()), async (session) => {
      const first = await train(session, 3, 5);
      expect(await train(session, 3, 5)).toEqual(first);
      expect(await train(session, 3, 6)).not.toEqual(first);
      expect(await train(session, 4, 5)).not.toEqual(first);
      expect(await train(session, -4, 5)).not.toEqual(first);
    }));

  test('draws the same with any number of threads, and from a graph traced again', async () => {
    const draw = (threads: number) =>
      withSession(program(layer()), (session) => train(session, 3, 5), { ...ONE_THREAD, threads });
    expect(await draw(3)).toEqual(await draw(1));
  });

  test('draws two streams where it is applied twice', () =>
    withSession(program(layer(), layer()), async (session) => {
      const twice = await train(session, 3, 5);
      const once = await withSession(program(layer()), (other) => train(other, 3, 5));
      expect(twice).not.toEqual(once);
      const squared = once.map((value) => value ** 2);
      expect(twice).not.toEqual(squared);
    }));

  test('leaves its input as it is outside of training', () =>
    withSession(program(layer()), async (session) => {
      expect((await session.run('predict', { x: ONES, seed: 3, step: 5 })).y).toEqual(ONES);
    }));
});

describe('what is drawn', () => {
  const drawn = (layer: Layer) => withSession(program(layer), (session) => train(session, 1, 2));

  test('dropout drops its share and scales what it keeps', async () => {
    const values = await drawn(tf.layers.dropout({ rate: 0.25 }));
    const kept = values.filter((value) => value !== 0);
    expect(new Set(kept)).toEqual(new Set([Math.fround(1 / 0.75)]));
    expect(kept.length / SIZE).toBeCloseTo(0.75, 1);
  });

  test('spatial dropout drops whole channels', async () => {
    const values = await drawn(tf.layers.spatialDropout1d({ rate: 0.5 }));
    for (let row = 0; row < ROWS; row++) {
      for (let channel = 0; channel < CHANNELS; channel++) {
        const over = Array.from({ length: STEPS }, (_, step) => values[(row * STEPS + step) * CHANNELS + channel]);
        expect(new Set(over).size).toBe(1);
      }
    }
  });

  test('a noise shape of 1 repeats the mask along its axis', async () => {
    const values = await drawn(tf.layers.dropout({ rate: 0.5, noiseShape: [1, STEPS, CHANNELS] }));
    const row = values.slice(0, STEPS * CHANNELS);
    expect(values).toEqual(Float32Array.from({ length: SIZE }, (_, i) => row[i % row.length]!));
  });

  test.each([
    ['gaussian noise', tf.layers.gaussianNoise({ stddev: 0.5 }), 0.5],
    ['gaussian dropout', tf.layers.gaussianDropout({ rate: 0.2 }), 0.5],
  ] as const)('%s is centred and has its deviation', async (_name, layer, deviation) => {
    const values = await drawn(layer);
    expect(mean(values)).toBeCloseTo(1, 1);
    expect(Math.sqrt(mean(values.map((value) => (value - 1) ** 2)))).toBeCloseTo(deviation, 1);
  });

  test('alpha dropout has two values, as far apart as in its paper', async () => {
    const values = new Set(await drawn(tf.layers.alphaDropout({ rate: 0.25 })));
    const saturated = -1.7580993408473766;
    const scale = (0.75 * (1 + 0.25 * saturated ** 2)) ** -0.5;
    const shift = -scale * saturated * 0.25;
    const expected = [scale + shift, scale * saturated + shift].sort((a, b) => a - b);
    const found = [...values].sort((a, b) => a - b);
    expect(found).toHaveLength(2);
    for (const [index, value] of found.entries()) expect(value).toBeCloseTo(expected[index]!, 5);
  });
});

describe('is refused by name', () => {
  test('a layer that draws in training without a seed', () => {
    const definition: FunctionDefinition = {
      inputs: { x: float32(ROWS, STEPS, CHANNELS) },
      body: (scope) => ({ y: scope.model(scope.inputs.x!, { training: true }) }),
    };
    const build = () =>
      tf.sequential({ layers: [tf.layers.dropout({ name: 'drop', rate: 0.5, inputShape: [STEPS, CHANNELS] })] });
    expect(() => trace(build, { definition })).toThrow(
      expect.objectContaining({ code: 'FAILED_PRECONDITION', operation: 'drop' }),
    );
  });

  test.each([
    ['randomUniform', () => tf.randomUniform([2])],
    ['randomNormal', () => tf.randomNormal([2])],
    ['truncatedNormal', () => tf.truncatedNormal([2])],
    ['dropout', () => tf.dropout(tf.ones([2]), 0.5)],
    ['rand', () => tf.rand([2], () => 0)],
  ])('%s on the host while tracing', (operation, draw) => {
    expect(() => traceFunctions({ f: { inputs: {}, body: () => ({ y: draw() }) } })).toThrow(
      expect.objectContaining({ code: 'UNIMPLEMENTED', operation }),
    );
  });
});
