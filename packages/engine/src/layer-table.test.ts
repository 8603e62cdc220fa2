import { readFileSync } from 'node:fs';
import type { layers as Layers, Scalar, Tensor } from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { float32, int32 } from './dtype.js';
import { EngineError } from './errors.js';
import { type FunctionDefinition, trace } from './graph/trace.js';
import { distance, randomNumbers } from './testing/numbers.js';
import { withSession } from './testing/programs.js';
import { tf } from './tfjs-internals/tf.js';

type Layer = Layers.Layer;
type Node = ReturnType<typeof tf.input>;

interface Entry {
  /** Shape of one example. */
  readonly shape: readonly number[];
  readonly apply: (input: Node) => Node;
  /** Takes whole numbers. */
  readonly whole?: boolean;
}

const L = tf.layers;
const then =
  (...layers: Layer[]) =>
  (input: Node) =>
    layers.reduce((node, layer) => layer.apply(node) as Node, input);
const image = (layer: Layer): Entry => ({ shape: [8, 8, 3], apply: then(layer) });
const series = (layer: Layer): Entry => ({ shape: [6, 3], apply: then(layer) });
const vector = (layer: Layer): Entry => ({ shape: [6], apply: then(layer) });
const volume = (layer: Layer): Entry => ({ shape: [4, 4, 4, 2], apply: then(layer) });
/** A layer that merges two branches. */
const merge = (layer: Layer): Entry => ({
  shape: [6],
  apply: (input) =>
    layer.apply([L.dense({ units: 4 }).apply(input), L.dense({ units: 4 }).apply(input)] as Node[]) as Node,
});

/** Layers of tfjs that train, by their names in `tf.layers`. */
const trains: Readonly<Record<string, () => Entry>> = {
  activation: () => vector(L.activation({ activation: 'tanh' })),
  add: () => merge(L.add()),
  alphaDropout: () => vector(L.alphaDropout({ rate: 0.2 })),
  average: () => merge(L.average()),
  averagePooling1d: () => series(L.averagePooling1d({ poolSize: 2 })),
  averagePooling2d: () => image(L.averagePooling2d({ poolSize: 2 })),
  averagePooling3d: () => volume(L.averagePooling3d({ poolSize: 2 })),
  batchNormalization: () => image(L.batchNormalization({})),
  bidirectional: () => series(L.bidirectional({ layer: L.lstm({ units: 3 }), mergeMode: 'concat' } as never)),
  concatenate: () => merge(L.concatenate()),
  conv1d: () => series(L.conv1d({ filters: 4, kernelSize: 3 })),
  conv2d: () => image(L.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: 'same' })),
  conv2dTranspose: () => image(L.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2 })),
  conv3d: () => volume(L.conv3d({ filters: 2, kernelSize: 2 })),
  cropping2D: () =>
    image(
      L.cropping2D({
        cropping: [
          [1, 1],
          [2, 0],
        ],
      }),
    ),
  dense: () => vector(L.dense({ units: 4, activation: 'relu' })),
  depthwiseConv2d: () => image(L.depthwiseConv2d({ kernelSize: 3 })),
  dot: () => merge(L.dot({ axes: 1 })),
  dropout: () => vector(L.dropout({ rate: 0.2 })),
  elu: () => vector(L.elu()),
  embedding: () => ({ ...vector(L.embedding({ inputDim: 10, outputDim: 4 })), whole: true }),
  flatten: () => image(L.flatten()),
  gaussianDropout: () => vector(L.gaussianDropout({ rate: 0.2 })),
  gaussianNoise: () => vector(L.gaussianNoise({ stddev: 0.2 })),
  globalAveragePooling1d: () => series(L.globalAveragePooling1d({})),
  globalAveragePooling2d: () => image(L.globalAveragePooling2d({})),
  globalMaxPooling1d: () => series(L.globalMaxPooling1d({})),
  globalMaxPooling2d: () => image(L.globalMaxPooling2d({})),
  gru: () => series(L.gru({ units: 3 })),
  layerNormalization: () => vector(L.layerNormalization()),
  leakyReLU: () => vector(L.leakyReLU()),
  lstm: () => series(L.lstm({ units: 3, returnSequences: true })),
  maxPooling1d: () => series(L.maxPooling1d({ poolSize: 2 })),
  maxPooling2d: () => image(L.maxPooling2d({ poolSize: 2 })),
  maxPooling3d: () => volume(L.maxPooling3d({ poolSize: 2 })),
  maximum: () => merge(L.maximum()),
  minimum: () => merge(L.minimum()),
  multiply: () => merge(L.multiply()),
  permute: () => series(L.permute({ dims: [2, 1] })),
  prelu: () => vector(L.prelu({ alphaInitializer: tf.initializers.constant({ value: 0.1 }) })),
  reLU: () => vector(L.reLU()),
  repeatVector: () => vector(L.repeatVector({ n: 2 })),
  reshape: () => vector(L.reshape({ targetShape: [2, 3] })),
  separableConv2d: () => image(L.separableConv2d({ filters: 4, kernelSize: 3 })),
  simpleRNN: () => series(L.simpleRNN({ units: 3 })),
  softmax: () => vector(L.softmax()),
  spatialDropout1d: () => series(L.spatialDropout1d({ rate: 0.2 })),
  timeDistributed: () => series(L.timeDistributed({ layer: L.dense({ units: 2 }) })),
  upSampling2d: () => image(L.upSampling2d({})),
  zeroPadding2d: () => image(L.zeroPadding2d({ padding: 1 })),
};

/** What is refused while training is traced, with the op that is named. */
const refused: Readonly<Record<string, readonly [() => Entry, RegExp]>> = {
  'conv2d with dilation': [
    () => image(L.conv2d({ filters: 4, kernelSize: 2, dilationRate: 2 })),
    /gradient of .*conv2D: dilation/,
  ],
  'conv1d with dilation': [
    () => series(L.conv1d({ filters: 4, kernelSize: 2, dilationRate: 2 })),
    /gradient of conv2D: dilation/,
  ],
  thresholdedReLU: [() => vector(L.thresholdedReLU({ theta: 0.1 })), /gradient .* Greater/],
  'lstm with dropout': [() => series(L.lstm({ units: 3, dropout: 0.5 })), /^dropout: random numbers/],
};

const BATCH = 4;
const STEPS = 5;

interface Traced {
  readonly session: Parameters<Parameters<typeof withSession>[1]>[0];
  readonly x: Float32Array;
  /** What the `cpu` backend of tfjs predicts with the initial params. */
  readonly expected: Float32Array;
  readonly initial: ReadonlyMap<string, Float32Array>;
}

/** A small model of the layer, behind a dense layer: then a layer without params has something to hand its gradient to. */
function modelOf({ shape, apply, whole }: Entry) {
  const input = tf.input({ shape: [...shape] });
  const front = L.dense({
    name: 'front',
    units: shape.at(-1)!,
    kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }),
  });
  return tf.model({ inputs: input, outputs: apply(whole ? input : (front.apply(input) as Node)) });
}

const trainFunction = (shape: readonly number[]): FunctionDefinition => ({
  inputs: { x: float32(BATCH, ...shape), seed: int32(), step: int32() },
  body(scope) {
    const random = { seed: scope.inputs.seed as Scalar, step: scope.inputs.step as Scalar };
    const zero = tf.scalar(0);
    const optimizer = { kind: 'sgd', momentum: zero, nesterov: false, weightDecay: zero, decoupled: false } as const;
    const loss = () =>
      tf.mean(tf.square(tf.sub(scope.model(scope.inputs.x!, { training: true, random }), 0.7))) as Scalar;
    return { loss: scope.minimize({ loss, optimizer, learningRate: tf.scalar(0.05) }).loss };
  },
});

async function withLayer(entry: Entry, body: (traced: Traced) => Promise<void>): Promise<void> {
  const { shape, whole } = entry;
  const drawn = randomNumbers(
    shape.reduce((size, dimension) => size * dimension, BATCH),
    3,
  );
  const x = whole ? drawn.map((value) => Math.floor(5 * (value + 1))) : drawn;
  let expected = new Float32Array();
  const build = () => {
    const model = modelOf(entry);
    expected = tf.tidy(() => Float32Array.from((model.predict(tf.tensor(x, [BATCH, ...shape])) as Tensor).dataSync()));
    return model;
  };
  const predict: FunctionDefinition = {
    inputs: { x: float32(BATCH, ...shape) },
    body: (scope) => ({ y: scope.model(scope.inputs.x!, { training: false }) }),
  };
  const program = trace(build, { predict, train: trainFunction(shape) });
  const initial = new Map([...program.variables].map(([name, { initial: values }]) => [name, values]));
  await withSession(program, (session) => body({ session, x, expected, initial }));
}

describe.each(Object.entries(trains))('%s', (_name, make) => {
  test('predicts as the cpu backend of tfjs does, and trains', () =>
    withLayer(make(), async ({ session, x, expected, initial }) => {
      expect(distance((await session.run('predict', { x })).y!, expected)).toBeLessThanOrEqual(1);
      for (let step = 0; step < STEPS; step++) await session.run('train', { x, seed: 1, step });
      const state = await session.state(['param']);
      for (const [name, { data }] of state) expect(data.every(Number.isFinite), name).toBe(true);
      const changed = [...state].filter(([name, { data }]) => distance(data, initial.get(name)!) > 1);
      expect(changed.length).toBeGreaterThan(0);
      expect(changed.some(([name]) => name.startsWith(initial.has('front/kernel') ? 'front/' : 'embedding'))).toBe(
        true,
      );
    }));
});

test.each(Object.entries(refused))('%s is refused by name', (_name, [make, message]) => {
  const build = () => modelOf(make());
  expect(() => trace(build, { train: trainFunction(make().shape) })).toThrow(
    expect.objectContaining({ name: EngineError.name, code: 'UNIMPLEMENTED', message: expect.stringMatching(message) }),
  );
});

test('docs/layers.md has this table', () => {
  const text = readFileSync(new URL('../../../docs/layers.md', import.meta.url), 'utf8');
  const rows = [
    ...Object.keys(trains).map((name) => `| \`${name}\` | trains |`),
    ...Object.keys(refused).map(
      (name) => `| \`${name.replace(/ with .*$/, '')}\`${/ with .*$/.exec(name)?.[0] ?? ''} | refused by name |`,
    ),
  ];
  expect(text.match(/^\| `.*$/gm)).toEqual(rows);
});
