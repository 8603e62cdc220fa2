import { type LayersModel, tf } from '@trikd/engine';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { describe, expect, test } from 'vitest';
import { learnerOf } from '../../stages/stage.js';
import { stageAt } from '../../stages/stages-of.js';
import { classification } from '../../tasks/classification/classification.js';
import { traceTrainer } from '../../training/role-program.js';
import { type MakeNetwork, moduleNetwork, type NetworkRequest } from './module-network.js';
import { addNetwork, moduleModel } from './module-spec.js';

const shape = { height: 8, width: 8, channels: 1 };
const head = classification.head({ classes: 4 });
const sha256 = 'a'.repeat(64);

const specOf = (changes: object = {}) => moduleModel.parse({ kind: 'module', file: 'net.ts', sha256, ...changes });

type Value = ReturnType<typeof tf.input>;

/** A convolution, and layers after it. */
function network({ input }: NetworkRequest, ...after: readonly LayersModel['layers'][number][]) {
  const image = tf.input({ shape: [...input] });
  const layers = [tf.layers.conv2d({ name: 'stem', filters: 3, kernelSize: 3 }), ...after];
  return tf.model({ inputs: image, outputs: layers.reduce((value, layer) => layer.apply(value) as Value, image) });
}

const plain: MakeNetwork = (request) =>
  network(request, tf.layers.batchNormalization({ name: 'norm' }), tf.layers.flatten());

const built = (make: MakeNetwork, changes: object = {}, seed = 1, params = 1e6) =>
  moduleNetwork(make, { params }).build(specOf(changes), shape, head, seed);

const values = (model: LayersModel) =>
  model.weights.map((weight) => [weight.originalName, [...weight.read().dataSync()]]);

describe('a model of a module', () => {
  test('is followed by the head of the task, and its params by the names of its layers', () => {
    const model = built(plain);
    expect(model.outputs.map((output) => output.shape)).toEqual([[null, 4]]);
    expect(model.weights.map(({ originalName }) => originalName)).toContain('stem/kernel');
    expect(model.weights.map(({ originalName }) => originalName)).toContain('classifier/kernel');
  });

  test('starts from params that its seed alone decides, though its layers have no seed', () => {
    expect(values(built(plain))).toEqual(values(built(plain)));
    expect(values(built(plain))).not.toEqual(values(built(plain, {}, 2)));
  });

  test('gets its settings, and with a head of its own the number of logits', () => {
    const own: MakeNetwork = (request) =>
      network(request, tf.layers.flatten(), tf.layers.dense({ name: 'out', units: request.outputs! }));
    expect(built(own, { head: 'own' }).outputs[0]!.shape).toEqual([null, 4]);
    let settings: unknown;
    built(
      (request) => {
        settings = request.settings;
        return plain(request);
      },
      { settings: { blocks: 3 } },
    );
    expect(settings).toEqual({ blocks: 3 });
  });

  test('costs what its layers say', () => {
    const cost = moduleNetwork(plain, { params: 1e6 }).cost(specOf(), shape, head);
    const params = 9 * 3 + 3 + 4 * 3 + 108 * 4 + 4;
    expect(cost).toEqual({
      ...{ layers: 2, widest: 3, params, trained: params - 6, activations: 108 + 108 + 4 },
      multiplyAdds: 36 * 27 + 432,
    });
  });

  test('trains in the program of a trainer', () => {
    addNetwork({ sha256 }, moduleNetwork(plain, { params: 1e6 }));
    const spec = specFor('tiny', { student: { model: specOf() } });
    const stage = stageAt(spec, 0, false);
    const { operations } = traceTrainer({ spec, dataset: datasetFor(spec) }, stage, learnerOf(stage, 'student'));
    expect(operations.get('Conv2DBackpropFilter')).toBe(1);
  });
});

describe('refused by name is a model of a module that', () => {
  let calls = 0;
  test.each<[string, MakeNetwork, RegExp, object?]>([
    [
      'is not made',
      () => {
        throw new Error('no such luck');
      },
      /^the model of net\.ts was not made: no such luck$/,
    ],
    ['comes later', async (request) => plain(request), /is a promise: the function must return the model itself$/],
    ['is something else', () => ({ layers: [] }), /is no LayersModel: make it with the `tf` that the function gets$/],
    [
      'has no shape',
      () => tf.sequential({ layers: [tf.layers.flatten()] }),
      /was not made: The first layer in a Sequential model must get an `inputShape`/,
    ],
    [
      'takes other images',
      (request) => plain({ ...request, input: [9, 9, 1] }),
      /takes 9x9x1, not one image of 8x8x1$/,
    ],
    ['puts out images', (request) => network(request), /puts out 6x6x3, not a vector for each image$/],
    [
      'puts out too few logits',
      (request) => plain(request),
      /puts out 108, not 4 logits for each image$/,
      { head: 'own' },
    ],
    [
      'puts out probabilities',
      (request) =>
        network(request, tf.layers.flatten(), tf.layers.dense({ name: 'out', units: 4, activation: 'softmax' })),
      /ends in softmax: it must put out logits$/,
      { head: 'own' },
    ],
    [
      'has no name for a layer',
      (request) => network(request, tf.layers.flatten(), tf.layers.dense({ units: 3 })),
      /names its params anew each time: give the layers of dense_Dense\d+\/kernel, dense_Dense\d+\/bias a name$/,
    ],
    [
      'has a name of the head',
      (request) => network(request, tf.layers.flatten(), tf.layers.dense({ name: 'classifier', units: 3 })),
      /has a layer classifier, which is a name of the head/,
    ],
    [
      'draws from elsewhere',
      (request) =>
        network(
          request,
          tf.layers.flatten(),
          tf.layers.dense({ name: 'd', units: 1, kernelInitializer: tf.initializers.constant({ value: calls++ }) }),
        ),
      /starts from another d\/kernel each time: take its numbers from the seed$/,
    ],
    [
      'changes its size',
      (request) => network(request, tf.layers.flatten(), tf.layers.dense({ name: 'd', units: ++calls })),
      /has other layers each time$/,
    ],
    [
      'is too large',
      (request) => network(request, tf.layers.flatten(), tf.layers.dense({ name: 'd', units: 1e9 })),
      /has more params than the limit admission\.params: 1000000$/,
    ],
    [
      'has a loss of its own',
      (request) =>
        network(request, tf.layers.flatten(), tf.layers.dense({ name: 'd', units: 2, kernelRegularizer: 'l1l2' })),
      /has a regularizer in layer d: set optimizer\.weightDecay instead$/,
    ],
    [
      'has a constraint',
      (request) =>
        network(request, tf.layers.flatten(), tf.layers.dense({ name: 'd', units: 2, kernelConstraint: 'maxNorm' })),
      /has a constraint in layer d, which training does not apply: leave it out$/,
    ],
    [
      'takes one value twice',
      (request) => {
        const { inputs, outputs } = plain(request) as LayersModel;
        return tf.model({ inputs, outputs: tf.layers.add({ name: 'sum' }).apply([outputs[0]!, outputs[0]!]) as Value });
      },
      /has a layer sum that takes one value twice: apply the layer activation, linear, to it$/,
    ],
    [
      'has nothing to train',
      ({ input }) => tf.sequential({ layers: [tf.layers.flatten({ inputShape: [...input] })] }),
      /has nothing that can be trained$/,
    ],
  ])('%s', (_what, make, message, changes) => {
    expect(() => built(make, changes)).toThrow(
      expect.objectContaining({ kind: 'invalid', message: expect.stringMatching(message) }),
    );
  });

  test('has a layer that the engine cannot train', () => {
    const made = { ...specOf(), sha256: 'b'.repeat(64) };
    addNetwork(
      made,
      moduleNetwork(
        (request) => network(request, tf.layers.thresholdedReLU({ name: 'cut', theta: 1 }), tf.layers.flatten()),
        { params: 1e6 },
      ),
    );
    const spec = specFor('tiny', { student: { model: made } });
    const stage = stageAt(spec, 0, false);
    expect(() => traceTrainer({ spec, dataset: datasetFor(spec) }, stage, learnerOf(stage, 'student'))).toThrow(
      expect.objectContaining({
        kind: 'invalid',
        message: expect.stringMatching(
          /^the model of net\.ts has a layer cut, of the kind ThresholdedReLU that cannot be trained here: .*Greater/,
        ),
      }),
    );
  });
});
