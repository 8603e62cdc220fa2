import { logitsBytes } from '@trikd/core/exchange/frame';
import { activationBytes, modelCost, trainingBytes } from '@trikd/core/models/model-cost';
import type { ModelSpec } from '@trikd/core/models/registry';
import { type Fit, predict } from './fit.ts';

const IMAGES = 1_281_167;
const SHAPE = { height: 224, width: 224, channels: 3 };
const CLASSES = 1000;
const BATCH = 256;
const SGD = { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 5e-4, decoupled: false } as const;

/** What the fits say of a step with the images and classes of ImageNet, in a range that they were not measured in. */
export function imageNet(fits: Readonly<Record<string, Fit>>) {
  const networks: Readonly<Record<string, ModelSpec>> = {
    'ResNet-18': { kind: 'resnet-imagenet', depth: 18, width: 64, stem: '7x7' },
    'ResNet-50': { kind: 'resnet-imagenet', depth: 50, width: 64, stem: '7x7' },
  };
  const fitOf = (name: string) => fits[name]!.coefficients;
  return Object.entries(networks).map(([network, model]) => {
    const cost = modelCost(model, SHAPE, [{ kind: 'dense', name: 'logits', units: CLASSES }]);
    const at = {
      multiplyAdds: BATCH * cost.multiplyAdds,
      activations: BATCH * cost.activations,
      logits: BATCH * CLASSES,
      modelBytes: trainingBytes(cost, SGD),
      activationBytes: activationBytes(cost, BATCH),
      frameBytes: logitsBytes({ precision: 'float32' }, BATCH, CLASSES),
      imageBytes: BATCH * SHAPE.height * SHAPE.width * SHAPE.channels,
      delay: 0.5,
    };
    const seconds = predict(fitOf('milliseconds of a step'), at) / 1000;
    return {
      network,
      'multiply-adds of an image': cost.multiplyAdds,
      params: cost.params,
      'steps of an epoch': Math.floor(IMAGES / BATCH),
      'GB of memory': predict(fitOf('bytes of a learner'), at) / 1e9,
      'seconds of a step on two cores': seconds,
      'days of an epoch on two cores': (seconds * Math.floor(IMAGES / BATCH)) / 86_400,
      'ms of an exchange, 1 ms round trip': predict(fitOf('milliseconds of an exchange'), at),
      'MB on the wire a frame': predict(fitOf('bytes on the wire of a frame'), at) / 1e6,
      'ms of JavaScript for a batch': predict(fitOf('milliseconds of a batch'), at),
    };
  });
}
