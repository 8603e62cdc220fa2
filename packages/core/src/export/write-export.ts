import type { ExportFiles, ExportFormat, ExportMetadata, Precision } from './export-format.js';
import { layersModelFiles } from './layers-model.js';
import type { ModelGraph } from './model-graph.js';
import { onnxModel } from './onnx.js';
import { pytorchModule, WEIGHTS_FILE } from './pytorch-module.js';
import { pytorchWeights } from './pytorch-weights.js';
import { savedModel } from './saved-model.js';

const WRITERS: Readonly<
  Record<
    ExportFormat,
    (graph: ModelGraph, precision: Precision, metadata: ExportMetadata) => ExportFiles | Promise<ExportFiles>
  >
> = {
  onnx: (...of) => new Map([['model.onnx', onnxModel(...of)]]),
  tfjs: layersModelFiles,
  savedmodel: (...of) => new Map([['saved_model.pb', savedModel(of[0], of[1])]]),
  pytorch: (...of) =>
    new Map([
      [WEIGHTS_FILE, pytorchWeights(...of)],
      ['model.py', Buffer.from(pytorchModule(of[0]))],
    ]),
  safetensors: (...of) => new Map([[WEIGHTS_FILE, pytorchWeights(...of)]]),
};

/** The files of a model in a format. @throws TrikdError 'invalid' for params that the precision does not reach */
export async function exportFiles(
  format: ExportFormat,
  graph: ModelGraph,
  precision: Precision,
  metadata: ExportMetadata,
): Promise<ExportFiles> {
  return WRITERS[format](graph, precision, metadata);
}
