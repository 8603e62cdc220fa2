import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { TF } from '../dtype.js';
import { EngineError } from '../errors.js';
import type { Attribute, Output } from '../native.js';
import type { ActiveGraph, Draws } from './active-graph.js';

/** What decides the random numbers of one run of a function; both int32, fed at each run. */
export interface RandomSource {
  readonly seed: Scalar;
  readonly step: Scalar;
}

/** Philox (Salmon et al. 2011), by TensorFlow's number for it: the same bits with any number of threads. */
const PHILOX = 1;

/** Distance of two streams in the seed: an int32 seed lies between. */
const STREAM = 2n ** 32n;

const FLOAT: Attribute = { name: 'dtype', kind: 'type', value: TF.FLOAT };

/**
 * Draws tensors of random numbers in a graph. The numbers are a function of seed, step, and the number of draws before in this
 * application of the model: each draw is a stream of its own.
 */
export class RandomDraws implements Draws {
  private streams = 0;

  constructor(
    private readonly graph: ActiveGraph,
    private readonly source: RandomSource,
  ) {}

  uniform(shape: readonly number[]): Tensor {
    return this.draw('StatelessRandomUniformV2', shape);
  }

  normal(shape: readonly number[]): Tensor {
    return this.draw('StatelessRandomNormalV2', shape);
  }

  private draw(type: string, shape: readonly number[]): Tensor {
    const { binding } = this.graph;
    const one = (op: string, inputs: readonly Output[], attributes: readonly Attribute[]): Output => [
      binding.add(op, inputs, attributes).id,
      0,
    ];
    const constant = (dtype: number, value: NodeJS.TypedArray, dimensions: readonly number[] = []) =>
      one(
        'Const',
        [],
        [
          { name: 'dtype', kind: 'type', value: dtype },
          { name: 'value', kind: 'tensor', dtype, shape: dimensions, value },
        ],
      );
    const wide = (scalar: Scalar) =>
      one('Cast', [this.graph.outputOf(scalar)], [{ name: 'DstT', kind: 'type', value: TF.INT64 }]);
    const stream = constant(TF.INT64, BigInt64Array.of(BigInt(this.streams++) * STREAM));
    const seed = one('AddV2', [wide(this.source.seed), stream], []);
    const seeds = binding.add('Pack', [[seed, wide(this.source.step)]]).id;
    const key = binding.add('StatelessRandomGetKeyCounter', [[seeds, 0]]).id;
    const size = constant(TF.INT32, Int32Array.from(shape), [shape.length]);
    const drawn = one(type, [size, [key, 0], [key, 1], constant(TF.INT32, Int32Array.of(PHILOX))], [FLOAT]);
    return this.graph.wrap(drawn, TF.FLOAT, shape);
  }
}

/** @throws EngineError FAILED_PRECONDITION, naming what draws, when the model was applied without a source. */
export function drawsFor(graph: ActiveGraph, name: string): Draws {
  if (graph.draws) return graph.draws;
  const message = 'random numbers need a seed and a step: pass them as `random` where the model is applied';
  throw new EngineError('FAILED_PRECONDITION', message, name);
}
