import type { ModelSpec } from '../models/registry.js';
import { WIDEST } from '../spec/numbers.js';
import type { WeightsFormat } from '../spec/outside-spec.js';
import { expectedModel } from './expected-model.js';
import type { WeightsFile } from './file-tensor.js';
import { bestFit, type Fit } from './fitted-params.js';

/** How a file fits a model that classifies. */
export interface ModelFit {
  readonly model: ModelSpec;
  /** Whose names the file has. */
  readonly names: WeightsFormat;
  /** As the file has them. */
  readonly classes: number;
  readonly channels: number;
  /** Empty where the file fits. */
  readonly problems: readonly string[];
}

const CLASSIFIER = 'classifier';

/**
 * Compares a file with a model, whose classes and channels are those of the file.
 * @param side of the images; the params of some networks depend on it
 */
export function modelFit(file: WeightsFile, model: ModelSpec, side: number): ModelFit {
  const fit = (classes: number, channels: number) => {
    const head = [{ kind: 'dense', name: CLASSIFIER, units: classes } as const];
    return bestFit(file, expectedModel(model, { height: side, width: side, channels }, head), {}, 'the file');
  };
  const first = fit(2, 3);
  const [classes, channels] = [classesIn(first) ?? 2, channelsIn(first) ?? 3];
  const { format, problems } = fit(classes, channels);
  return { model, names: format, classes, channels, problems };
}

function classesIn({ pairs }: Fit): number | undefined {
  const found = pairs.find(([{ param }]) => param === `${CLASSIFIER}/bias`);
  return sizeOf(found?.[1].shape[0]);
}

/** Inputs of the first convolution: PyTorch has them second, and TensorFlow third. */
function channelsIn({ format, pairs }: Fit): number | undefined {
  const kernel = pairs.find(([{ shape }]) => shape.length === 4)?.[1];
  return kernel?.shape.length === 4 ? sizeOf(kernel.shape[format === 'trikd' || format === 'tfjs' ? 2 : 1]) : undefined;
}

/** What a model can have: a shape of a file can be anything. */
function sizeOf(size: number | undefined): number | undefined {
  return size !== undefined && size > 0 && size <= WIDEST ? size : undefined;
}
