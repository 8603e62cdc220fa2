import type {
  IndexedVersion,
  InferenceAnswer,
  InferenceRequest,
  InputTensor,
  ModelFacts,
  TensorFacts,
} from '@trikd/core/serving/inference';
import type {
  InferTensorContents,
  ModelInferRequest,
  ModelInferResponse,
  ModelMetadataResponse,
  RepositoryIndexResponse,
  ModelMetadataResponse_TensorMetadata as TensorMetadata,
} from './gen/node/inference/inference.js';

/** What the models run in, as the protocol names it. */
export const PLATFORM = 'tensorflow_graphdef';

/** Reads a request. What its tensors hold is checked where they are used. */
export function toInferenceRequest(message: ModelInferRequest): InferenceRequest {
  const { modelName: model, modelVersion: version, inputs, outputs, rawInputContents } = message;
  return {
    model,
    version,
    inputs: inputs.map(({ name, datatype, shape, contents }, index): InputTensor => {
      const bytes = rawInputContents[index];
      return { name, datatype, shape, content: bytes ? { bytes } : { values: valuesOf(datatype, contents) } };
    }),
    outputs: outputs.map(({ name }) => name),
  };
}

function valuesOf(datatype: string, contents: InferTensorContents | undefined): readonly number[] {
  if (!contents) return [];
  return datatype === 'FP32' ? contents.fp32Contents : contents.uintContents;
}

/** @param id of the request */
export function fromInferenceAnswer({ model, version, rows, output }: InferenceAnswer, id: string): ModelInferResponse {
  const { name, columns, values } = output;
  return {
    modelName: model,
    modelVersion: version,
    id,
    parameters: {},
    outputs: [{ name, datatype: 'FP32', shape: [rows, columns], parameters: {}, contents: undefined }],
    // Clients do not read typed contents.
    rawOutputContents: [Buffer.from(values.buffer, values.byteOffset, values.byteLength)],
  };
}

export function fromModelFacts({ model, versions, inputs, outputs, properties }: ModelFacts): ModelMetadataResponse {
  const tensors = (facts: readonly TensorFacts[]): TensorMetadata[] =>
    facts.map(({ shape, ...rest }) => ({ ...rest, shape: [...shape] }));
  return {
    name: model,
    versions: [...versions],
    platform: PLATFORM,
    inputs: tensors(inputs),
    outputs: tensors(outputs),
    properties: { ...properties },
  };
}

/** @param readyOnly leaves out what is not loaded */
export function fromIndex(versions: readonly IndexedVersion[], readyOnly: boolean): RepositoryIndexResponse {
  const listed = readyOnly ? versions.filter(({ loaded }) => loaded) : versions;
  return {
    models: listed.map(({ model: name, version, loaded, reason }) => {
      return { name, version, state: loaded ? 'READY' : 'UNAVAILABLE', reason };
    }),
  };
}
