import type { ImageShape } from '@trikd/core/data/image-source';
import { LayerCounter } from '@trikd/core/models/layer-counter';
import { features, type ModelSpec } from '@trikd/core/models/registry';
import type { Cell } from './cells.ts';
import type { Peak } from './machine/machine.ts';
import { networksOf } from './networks.ts';

/** What no program can be faster than in one step of a cell, in milliseconds. */
export interface Limits {
  /** If all instructions of the cores multiplied and added. */
  readonly arithmetic: number;
  /** If every convolution read its inputs from memory, and wrote its outputs there, and nothing else did. Caches can beat it. */
  readonly memory: number;
}

/** What one step computes. */
export interface Work {
  /** Multiplications with an addition. */
  readonly multiplyAdds: number;
  /** Bytes that convolutions and dense layers read and write. */
  readonly bytes: number;
}

export const IMAGE: ImageShape = { height: 32, width: 32, channels: 3 };

/** Passes that multiply: forward, and backward for the gradients by the inputs and by the kernels. */
const TRAINING = 3;
const BYTES = { float32: 4, bfloat16: 2 };

/** The work of one step: student and teacher are trained, the anchor answers. Params are small beside what layers put out, and left out. */
export function workOf({ models, batch, classes, precision }: Cell): Work {
  const { student, teacher } = networksOf(models);
  const learners = teacher === undefined ? [student] : [student, teacher];
  const frozen = teacher === undefined ? [] : [student];
  const trained = learners.map((spec) => {
    const { cost, traffic } = counted(spec, classes);
    // Backward: the inputs once more, the gradients by the outputs, and those by the inputs.
    return { multiplyAdds: TRAINING * cost.multiplyAdds, numbers: 3 * traffic.read + 2 * traffic.written };
  });
  const answered = frozen.map((spec) => {
    const { cost, traffic } = counted(spec, classes);
    return { multiplyAdds: cost.multiplyAdds, numbers: traffic.read + traffic.written };
  });
  const sum = (of: 'multiplyAdds' | 'numbers') => [...trained, ...answered].reduce((all, each) => all + each[of], 0);
  return { multiplyAdds: batch * sum('multiplyAdds'), bytes: batch * BYTES[precision] * sum('numbers') };
}

export function limitsOf({ multiplyAdds, bytes }: Work, peak: Peak, precision: Cell['precision']): Limits {
  const operations = precision === 'bfloat16' && peak.bfloat16 > 0 ? peak.bfloat16 : peak.float32;
  return { arithmetic: (1000 * 2 * multiplyAdds) / operations, memory: (1000 * bytes) / peak.memory };
}

/** Of one image and one pass forward. */
function counted(spec: ModelSpec, classes: number): LayerCounter {
  const counter = new LayerCounter();
  counter.dense(features(counter, IMAGE, spec), 'logits', classes);
  return counter;
}

/** Numbers in the params of each model of a cell, the statistics of batch norm included. */
export function paramsOf({ models, classes }: Cell): Readonly<Record<string, number>> {
  const networks = Object.entries(networksOf(models));
  return Object.fromEntries(networks.map(([role, spec]) => [role, counted(spec, classes).cost.params]));
}
