import { z } from 'zod';
import { MOST } from './numbers.js';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** Bytes of a frame that the wire format can carry. */
const LARGEST_FRAME = 256 * MiB;

function limit(fallback: number, meaning: string, most = Number.MAX_SAFE_INTEGER) {
  return z.int().positive().max(most).default(fallback).describe(meaning);
}

/**
 * The most that a service accepts of a run. The defaults leave room for a ResNet-152 on 1,000 classes, and refuse what a machine with
 * a few GiB cannot train. A size that depends on the data is checked as soon as the data are known.
 */
export const AdmissionLimits = z
  .strictObject({
    params: limit(150_000_000, 'params of one model'),
    modelBytes: limit(2 * GiB, 'bytes of params, gradients and optimizer slots of one model'),
    activationBytes: limit(64 * GiB, 'bytes of the outputs of all layers of one model for one batch, estimated'),
    layers: limit(512, 'convolutions and dense layers of one model'),
    layerWidth: limit(8192, 'channels or units of one layer, the classifier excepted'),
    classes: limit(10_000, 'classes of the data'),
    batchSize: limit(16_384, 'images of a batch'),
    frameBytes: limit(16 * MiB, 'bytes of the logits of one batch as they are sent', LARGEST_FRAME),
    windowBytes: limit(256 * MiB, 'bytes of the frames that a producer keeps'),
    imageBytes: limit(MiB, 'bytes of one image'),
    datasetImages: limit(2_000_000, 'images of all splits'),
    datasetBytes: limit(2 * GiB, 'bytes of the images of all splits, unpacked, unless they stay in files'),
    generations: limit(500, 'generations of a run'),
    steps: limit(1_000_000_000, 'steps of one generation', MOST),
    validations: limit(1_000_000, 'validations of a role in all generations'),
    replicas: limit(16, 'replicas of one learner'),
    threads: limit(128, 'TensorFlow threads of one process'),
    stepTimeoutSeconds: limit(86_400, 'seconds that a step waits for a frame'),
  })
  .prefault({});
export type AdmissionLimits = z.infer<typeof AdmissionLimits>;
