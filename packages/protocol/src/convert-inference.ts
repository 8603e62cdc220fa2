import { TrikdError } from '@trikd/core/domain/errors';
import type {
  IndexedVersion,
  InferenceAnswer,
  InferenceRequest,
  InputTensor,
  ModelFacts,
  TensorFacts,
} from '@trikd/core/serving/inference';
import { packed } from '@trikd/core/serving/read-images';
import type {
  InferTensorContents,
  ModelInferRequest,
  ModelInferResponse,
  ModelMetadataResponse,
  RepositoryIndexResponse,
  ServerMetadataResponse,
  ModelMetadataResponse_TensorMetadata as TensorMetadata,
} from './gen/node/inference/inference.js';

/** What a server of ours calls itself. */
export const SERVER: ServerMetadataResponse = { name: 'trikd', version: '2', extensions: ['model_repository'] };

/** What the models run in, as the protocol names it. */
const PLATFORM = 'tensorflow_graphdef';

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

/** @throws TrikdError 'invalid' for numbers that the type of a tensor does not have */
export function fromInferenceRequest({ model, version, inputs, outputs }: InferenceRequest): ModelInferRequest {
  return {
    ...{ modelName: model, modelVersion: version, id: '', parameters: {} },
    inputs: inputs.map(({ name, datatype, shape }) => {
      return { name, datatype, shape: [...shape], parameters: {}, contents: undefined };
    }),
    outputs: outputs.map((name) => ({ name, parameters: {} })),
    rawInputContents: inputs.map((input) => Buffer.from(packed(input))),
  };
}

/** @throws TrikdError 'corrupt' for an answer that a server of ours does not give */
export function toInferenceAnswer({
  modelName: model,
  modelVersion: version,
  outputs: [output],
  rawOutputContents: [raw],
}: ModelInferResponse): InferenceAnswer {
  const { name, shape: [rows = 0, columns = 0] = [] } = output ?? {};
  if ((name !== 'logits' && name !== 'embedding') || raw?.length !== 4 * rows * columns) {
    throw new TrikdError('corrupt', 'the answer has no outputs of a served model');
  }
  // Messages are not aligned.
  return { model, version, rows, output: { name, columns, values: new Float32Array(new Uint8Array(raw).buffer) } };
}

export function toModelFacts({ name: model, platform: _, ...facts }: ModelMetadataResponse): ModelFacts {
  return { model, ...facts };
}

export function toIndex({ models }: RepositoryIndexResponse): IndexedVersion[] {
  return models.map(({ name: model, version, state, reason }) => ({
    model,
    version,
    loaded: state === 'READY',
    reason,
  }));
}

/** Name of the header, and of the metadata of gRPC, that carries a W3C trace context. */
export const TRACEPARENT = 'traceparent';
