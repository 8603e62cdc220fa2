import { type PackedTensor, packSafetensors } from '../checkpoint/safetensors.js';
import type { ExportMetadata } from './export-format.js';
import type { ModelGraph } from './model-graph.js';
import { bytesOf, float16Bits, isReduced, type Precision } from './precision.js';
import { pytorchParams } from './pytorch-names.js';

/** Widest first, as the Python package stores them. */
const TYPES = ['F32', 'F16'];

/** A safetensors file with the params by PyTorch's names. The text `format: pt` tells readers which framework they are for. */
export function pytorchWeights(
  graph: ModelGraph,
  precision: Precision = 'float32',
  metadata: ExportMetadata = {},
): Uint8Array {
  const tensors = [...pytorchParams(graph)].map(([name, weight]): [string, PackedTensor] => {
    const { shape, data } = weight;
    const reduced = isReduced(weight, precision);
    const bytes = bytesOf(reduced ? float16Bits(weight) : data);
    return [name, { dtype: reduced ? 'F16' : 'F32', shape, bytes }];
  });
  tensors.sort(([nameA, a], [nameB, b]) => TYPES.indexOf(a.dtype) - TYPES.indexOf(b.dtype) || (nameA < nameB ? -1 : 1));
  return packSafetensors(tensors, { ...metadata, format: 'pt' });
}
