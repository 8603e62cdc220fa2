import { z } from 'zod';
import { TrikdError } from '../domain/errors.js';
import { formatOf, logitsBytes } from '../exchange/frame.js';
import { backwardPasses } from '../losses/gated-terms.js';
import type { ModelCost } from '../models/layer-counter.js';
import { activationBytes, isMeasurable, modelCost, trainingBytes } from '../models/model-cost.js';
import { isRemote, type Learner, replicasOf, type Stage } from '../stages/stage.js';
import { stagesOf } from '../stages/stages-of.js';
import { taskOf } from '../tasks/task-of.js';
import {
  ANY_DATA,
  type DataAccess,
  dataProblems,
  type EndpointAccess,
  endpointProblems,
  weightsProblems,
} from './access.js';
import { isStored } from './data-spec.js';
import { MOST } from './fields.js';
import type { RunSpec } from './run-spec.js';

/** What a service accepts of a run. */
export interface Admission {
  readonly limits: AdmissionLimits;
  readonly data: DataAccess;
  /** Whether the process runs modules, which its operator keeps in a folder. Default false. */
  readonly modules?: boolean;
  /** Absent: the process asks none, and lets others decide. */
  readonly endpoints?: EndpointAccess;
}

/** What a person's own machine accepts. */
export function ownAdmission(limits: AdmissionLimits): Admission {
  return { limits, data: ANY_DATA, modules: true };
}

/** The size of the data of a run, as far as it decides what the run allocates. */
export interface DataSize {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes: number;
  /** Images of all splits. */
  readonly images: number;
  /** Bytes of all images, and of what they are made from. */
  readonly bytes: number;
  /** Images that an epoch passes over. */
  readonly train: number;
}

type LimitName = keyof AdmissionLimits;

/** One size of a run, and the setting that decides it. */
export interface Cost {
  readonly limit: LimitName;
  /** Path in the spec. */
  readonly field: string;
  readonly value: number;
}

/** A size above its limit. */
export interface Excess extends Cost {
  readonly most: number;
}

/** What the number of a limit counts. */
const UNITS: Readonly<Record<LimitName, string>> = {
  params: 'params',
  modelBytes: 'bytes of params, gradients and optimizer slots',
  activationBytes: 'bytes of layer outputs for a batch',
  layers: 'layers',
  layerWidth: 'channels or units in a layer',
  classes: 'classes',
  batchSize: 'images in a batch',
  frameBytes: 'bytes in a frame',
  windowBytes: 'bytes of kept frames',
  imageBytes: 'bytes in an image',
  datasetImages: 'images',
  datasetBytes: 'bytes of images',
  stages: 'stages',
  steps: 'steps in a stage',
  validations: 'validations',
  replicas: 'replicas',
  threads: 'threads',
  stepTimeoutSeconds: 'seconds to wait for a frame',
};

const FLOAT_BYTES = 4;

/** The least that data have, for sizes of data that are not known yet. */
const LEAST = { height: 1, width: 1, channels: 1, classes: 2 };

/** Every size of a run that a limit is for. */
export function costsOf(spec: RunSpec, data = sizeInSpec(spec)): readonly Cost[] {
  const learners = learnersOf(spec);
  return [
    ...dataCosts(spec, data),
    ...runCosts(spec, data),
    ...learners.map((each) => ({
      limit: 'replicas' as const,
      field: `${each.field}.replicas`,
      value: replicasOf(each),
    })),
    ...[...learners, ...outsideModels(spec)].flatMap((model) => modelCosts(spec, model, data)),
  ];
}

/**
 * Every size of a run that is above its limit. Nothing is allocated.
 * @param data the size of files, once their headers are read; without it, sizes that depend on files count with the least they can be
 */
export function excesses(spec: RunSpec, limits: AdmissionLimits, data = sizeInSpec(spec)): readonly Excess[] {
  return costsOf(spec, data)
    .filter(({ limit, value }) => value > limits[limit])
    .map((cost) => ({ ...cost, most: limits[cost.limit] }));
}

/**
 * Checks a run before anything is allocated for it.
 * @throws TrikdError 'invalid' with every setting that the service does not accept: each size above its limit with its field, its
 * value, the limit's name and the limit
 */
export function assertAdmitted(
  spec: RunSpec,
  { limits, data, modules = false, endpoints }: Admission,
  size?: DataSize,
): void {
  const above = excesses(spec, limits, size).map((excess) => ({ field: excess.field, description: describe(excess) }));
  const problems = [
    ...dataProblems(spec.data, data),
    ...weightsProblems(spec, data),
    ...moduleProblems(spec, modules),
    ...(endpoints ? endpointProblems(spec, endpoints) : []),
    ...above,
  ];
  if (problems.length === 0) return;
  const lines = problems.map(({ field, description }) => `\n  ${field}: ${description}`).join('');
  const advice =
    above.length > 0 ? '\nmake the run smaller, or raise the limit in the configuration of the services' : '';
  const violations = problems.map(({ field, description }) => ({ field: `spec.${field}`, description }));
  throw new TrikdError('invalid', `run ${spec.name} is not admitted:${lines}${advice}`, { violations });
}

/** Why a process does not run the modules of a spec. */
function moduleProblems(spec: RunSpec, runsModules: boolean) {
  const models = [...learnersOf(spec), ...outsideModels(spec)].map(({ field, model }) => ({
    field: `${field}.model`,
    of: model,
  }));
  return [{ field: 'data', of: spec.data }, ...models].flatMap(({ field, of }) => {
    if (of.kind !== 'module') return [];
    const [setting, description] = runsModules
      ? ['sha256', 'missing: it says which text of the file the run has']
      : ['file', 'this service runs no module: its operator names a folder of modules in its setting `modules`'];
    return runsModules && of.sha256 !== undefined ? [] : [{ field: `${field}.${setting}`, description }];
  });
}

/** `900060004 params, limit admission.params: 150000000` */
function describe({ limit, value, most }: Excess): string {
  return `${value} ${UNITS[limit]}, limit admission.${limit}: ${most}`;
}

/** The size of data that are made from the spec. */
export function sizeInSpec({ data }: RunSpec): DataSize | undefined {
  if (isStored(data)) return undefined;
  const { height, width, channels, train, validation, test } = data;
  const images = train + validation + test;
  const byIdentity = data.kind === 'synthetic-identities';
  const classes = byIdentity ? train / data.perIdentity : data.classes;
  // Each class, or each identity, has a prototype.
  const prototypes = byIdentity ? images / data.perIdentity : classes;
  const bytes = (images + prototypes) * height * width * channels;
  return { height, width, channels, classes, train, images, bytes };
}

function dataCosts({ data }: RunSpec, size: DataSize | undefined): readonly Cost[] {
  if (!size) {
    const images = (data.train ?? 0) + data.validation + (data.test ?? 0);
    return [{ limit: 'datasetImages', field: 'data', value: images }];
  }
  return [
    { limit: 'imageBytes', field: 'data', value: size.height * size.width * size.channels },
    { limit: 'datasetImages', field: 'data', value: size.images },
    { limit: 'datasetBytes', field: 'data', value: size.bytes },
    { limit: 'classes', field: 'data', value: size.classes },
  ];
}

function runCosts(spec: RunSpec, { classes, train }: Partial<DataSize> = {}): readonly Cost[] {
  const { batchSize, exchange, engine } = spec;
  const stages = stagesOf(spec);
  const epochs = Math.max(...stages.map((stage) => stage.epochs));
  const columns = classes ?? LEAST.classes;
  const frame = logitsBytes(formatOf(spec, columns), batchSize, columns);
  const stepsPerEpoch = Math.max(1, Math.floor((train ?? spec.data.train ?? 0) / batchSize));
  const validations = stages.reduce((sum, each) => sum + Math.ceil(each.epochs / each.evaluation.everyEpochs), 0);
  return [
    { limit: 'batchSize', field: 'batchSize', value: batchSize },
    { limit: 'frameBytes', field: 'batchSize', value: frame },
    { limit: 'windowBytes', field: 'exchange.window', value: exchange.window * frame },
    { limit: 'steps', field: 'epochs', value: epochs * stepsPerEpoch },
    { limit: 'validations', field: 'evaluation.everyEpochs', value: validations },
    { limit: 'stages', field: spec.stages ? 'stages' : 'curriculum.generations', value: stages.length },
    // A trainer may compute all replicas of its learner, each with threads of its own.
    { limit: 'threads', field: 'engine.threads', value: engine.threads * mostReplicas(stages) },
    { limit: 'stepTimeoutSeconds', field: 'exchange.stepTimeout', value: exchange.stepTimeout },
  ];
}

function mostReplicas(stages: readonly Stage[]): number {
  return Math.max(...stages.flatMap(({ learners }) => learners.map(replicasOf)));
}

/** A model, and where the spec has it. */
interface SizedModel extends Pick<Learner, 'model'> {
  readonly field: string;
}

type SizedLearner = SizedModel & Pick<Learner, 'objective' | 'optimizer' | 'replicas'>;

/** Each model of a run once, with the objective that takes most memory. */
function learnersOf(spec: RunSpec): readonly SizedLearner[] {
  const found = new Map<string, SizedLearner>();
  for (const { index, learners } of stagesOf(spec)) {
    for (const { name, model, objective, optimizer, replicas } of learners) {
      const field = spec.stages ? `stages.${index}.learners.${name}` : (settingOf(name) ?? name);
      const known = found.get(field);
      if (known && backwardPasses(known.objective) >= backwardPasses(objective)) continue;
      found.set(field, { field, model, objective, optimizer, replicas });
    }
  }
  return [...found.values()];
}

/** Frozen models that no stage of the run has trained, each once. */
function outsideModels(spec: RunSpec): readonly SizedModel[] {
  const found = new Map<string, SizedModel>();
  for (const { index, frozen } of stagesOf(spec)) {
    for (const each of frozen) {
      if (isRemote(each) || each.from === 'promoted' || each.from.kind === 'stage') continue;
      const field = spec.stages ? `stages.${index}.frozen.${each.name}` : each.name;
      found.set(field, { field, model: each.model });
    }
  }
  return [...found.values()];
}

/** `assistants.0` for assistant-1. */
function settingOf(name: string): string | undefined {
  const number = /^assistant-(\d+)$/.exec(name)?.[1];
  return number === undefined ? undefined : `assistants.${Number(number) - 1}`;
}

function modelCosts(spec: RunSpec, sized: SizedModel | SizedLearner, shape: DataSize | undefined): readonly Cost[] {
  const { model } = sized;
  if (!isMeasurable(model, shape !== undefined)) return [];
  const size = shape ?? LEAST;
  const cost = modelCost(model, size, taskOf(spec).head(size));
  const field = `${sized.field}.model`;
  return [
    { limit: 'params', field, value: cost.params },
    ...memoryOf(spec, sized, cost).map((each) => ({ ...each, field })),
    { limit: 'layers', field, value: cost.layers },
    { limit: 'layerWidth', field, value: cost.widest },
  ];
}

/** A frozen model keeps no gradients, no slots, and no outputs of layers for a backward pass. */
function memoryOf(spec: RunSpec, sized: SizedModel | SizedLearner, cost: ModelCost): readonly Omit<Cost, 'field'>[] {
  if (!('objective' in sized)) return [{ limit: 'modelBytes', value: cost.params * FLOAT_BYTES }];
  const { optimizer, objective } = sized;
  return [
    { limit: 'modelBytes', value: replicasOf(sized) * trainingBytes(cost, optimizer, backwardPasses(objective)) },
    { limit: 'activationBytes', value: activationBytes(cost, spec.batchSize) },
  ];
}

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
    stages: limit(500, 'stages of a run'),
    steps: limit(1_000_000_000, 'steps of one stage', MOST),
    validations: limit(1_000_000, 'validations of a role in all stages'),
    replicas: limit(16, 'replicas of one learner'),
    threads: limit(128, 'TensorFlow threads of one process'),
    stepTimeoutSeconds: limit(86_400, 'seconds that a step waits for a frame'),
  })
  .prefault({});
export type AdmissionLimits = z.infer<typeof AdmissionLimits>;
