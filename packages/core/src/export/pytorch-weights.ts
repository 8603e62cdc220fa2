import { type PackedTensor, packSafetensors } from '../checkpoint/safetensors.js';
import type { ExportMetadata } from './export-format.js';
import type { ModelGraph, Weight } from './model-graph.js';
import { bytesOf, float16Bits, isReduced, type Precision, quantised } from './precision.js';
import { pytorchParams } from './pytorch-names.js';

/** Widest first, as the Python package stores them. */
const TYPES = ['F32', 'F16', 'I8'];

/** A safetensors file with the params by PyTorch's names. The text `format: pt` tells readers which framework they are for. */
export function pytorchWeights(
  graph: ModelGraph,
  precision: Precision = 'float32',
  metadata: ExportMetadata = {},
): Uint8Array {
  const tensors = [...pytorchParams(graph)].flatMap(([name, weight]) => tensorsOf(name, weight, precision));
  tensors.sort(([nameA, a], [nameB, b]) => TYPES.indexOf(a.dtype) - TYPES.indexOf(b.dtype) || (nameA < nameB ? -1 : 1));
  return packSafetensors(tensors, { ...metadata, format: 'pt' });
}

/** A tensor of a weight; a kernel of 8 bits has its scales in another one, `<name>_scale`. */
function tensorsOf(name: string, weight: Weight, precision: Precision): [string, PackedTensor][] {
  const { shape, data } = weight;
  // The summand of a layer is no kernel: its numbers are as they are.
  if (!isReduced(weight, precision) || name.endsWith('.summand')) {
    return [[name, { dtype: 'F32', shape, bytes: bytesOf(data) }]];
  }
  if (precision === 'float16') return [[name, { dtype: 'F16', shape, bytes: bytesOf(float16Bits(weight)) }]];
  const { values, scales } = quantised(weight, 'first', shape[0]!);
  const each = [scales.length, ...shape.slice(1).map(() => 1)];
  return [
    [name, { dtype: 'I8', shape, bytes: bytesOf(values) }],
    [`${name}_scale`, { dtype: 'F32', shape: each, bytes: bytesOf(scales) }],
  ];
}
