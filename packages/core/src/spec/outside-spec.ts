import { z } from 'zod';
import { isProducerAddress } from '../exchange/producer-address.js';
import { ModelSpec } from '../models/registry.js';
import { DatasetName, Path } from './data-spec.js';
import { ParticipantName, Positive, type SpecProblem } from './fields.js';
import { oneSectionOf } from './name-or-settings.js';

/** How params are named and laid out in a file. */
export const WEIGHTS_FORMATS = ['trikd', 'pytorch', 'torchvision', 'timm', 'tfjs'] as const;
export type WeightsFormat = (typeof WEIGHTS_FORMATS)[number];

/** Characters of an address, and of a name behind it, at most. */
const LONGEST_ADDRESS = 2048;
const LONGEST_MODEL_NAME = 256;

const Printable = z.string().regex(/^\P{Cc}+$/u, 'text without control characters');

const content = {
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, '64 lower-case hex digits')
    .optional()
    .describe(
      'the file must have this digest; `trikd weights inspect` prints it; default: any, and then always the same',
    ),
  format: z.enum(WEIGHTS_FORMATS).optional().describe('whose names and layouts the file has; default: those that fit'),
};

const FromRun = z.strictObject({
  run: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes')
    .describe('another run in the same store'),
  stage: z.string().optional().describe('one of its stages; default: the last one that has ended'),
  participant: ParticipantName.optional().describe(
    'a learner of that stage; default: the one whose validations decide',
  ),
  at: z
    .enum(['best', 'last'])
    .optional()
    .describe('best: as it validated best; last: as the stage ended; default: best'),
});

const FromFile = z.strictObject({
  file: Path.describe('a safetensors file, or model.json of TensorFlow.js, where services allow paths'),
  ...content,
});

const FromRegistered = z.strictObject({
  weights: DatasetName.describe('a file with params that the services have registered under this name'),
  ...content,
});

const head = z
  .literal('fresh')
  .optional()
  .describe(
    'of `init` alone; fresh: the head of the task has fresh params, for a file of other classes; default: those of the file',
  );

const FromEndpoint = z.strictObject({
  endpoint: z
    .string()
    .max(LONGEST_ADDRESS)
    .refine(
      (text) => endpointAddress(text) !== undefined,
      'expected host:port, https://host, or the name of an endpoint that the services have registered',
    )
    .describe(
      'address of a server of the Open Inference Protocol, or the name under which services have registered it',
    ),
  model: Printable.max(LONGEST_MODEL_NAME).describe('name of the model there'),
  version: Printable.max(LONGEST_MODEL_NAME).optional().describe('default: what the server chooses'),
  input: Printable.max(LONGEST_MODEL_NAME).optional().describe('its tensor of images; default: the only one'),
  output: Printable.max(LONGEST_MODEL_NAME).optional().describe('its tensor of logits; default: the only one'),
  layout: z.enum(['nhwc', 'nchw']).optional().describe('of the images; default: as its metadata say'),
  pixels: z
    .enum(['normalised', 'raw'])
    .optional()
    .describe('raw: from 0 to 255; default: normalised for a model that takes FP32, raw for one that takes UINT8'),
  rows: Positive.optional().describe('images of one request; default: as its metadata say, or a batch'),
});

/** Each kind of origin by the setting that it must have. */
const KEYS = ['run', 'file', 'weights', 'endpoint'];

/** Params to start from that no stage of the run has trained. */
export const InitSpec = oneSectionOf(
  [FromRun, FromFile.extend({ head }), FromRegistered.extend({ head })],
  (settings) => {
    const place = placeOf(settings);
    if (place === KEYS.indexOf('endpoint')) return 'an endpoint only answers: no learner can start from it';
    return place === -1 ? 'expected a section with run, file or weights' : place;
  },
);
export type InitSpec = z.infer<typeof InitSpec>;

/** Where a frozen model comes from that no stage of the run has trained. */
export const OutsideSpec = oneSectionOf([FromRun, FromFile, FromRegistered, FromEndpoint], (settings) => {
  const place = placeOf(settings);
  return place === -1 ? 'expected a section with run, file, weights or endpoint' : place;
});
export type OutsideSpec = z.infer<typeof OutsideSpec>;

/** Whether the settings of a section say that params come from outside of the run. */
export function isOutside(settings: readonly string[]): boolean {
  return placeOf(settings) !== -1;
}

function placeOf(settings: readonly string[]): number {
  return KEYS.findIndex((key) => settings.includes(key));
}

/** How images are normalised before a model sees them: (pixel / 255 - mean) / std. */
export const PreprocessingSpec = z.strictObject({
  mean: z.array(z.number().min(-10).max(10)).min(1).max(16).describe('one for each channel, of pixels from 0 to 1'),
  std: z.array(z.number().gt(0).max(10)).min(1).max(16).describe('one for each channel'),
});
export type PreprocessingSpec = z.infer<typeof PreprocessingSpec>;

const preprocessing = PreprocessingSpec.optional().describe(
  'how the images of this model are normalised; default: as those of the run',
);

/** What makes a teacher a frozen model that comes from outside of the run. */
export const frozenTeacher = {
  from: OutsideSpec.optional().meta({
    title: 'a section',
    description:
      'params from outside of the run: the teacher is frozen then, and has no stage of its own; default: it trains',
  }),
  preprocessing,
};

/** A frozen model that no stage of the run has trained. */
export const OutsideModelSpec = z
  .strictObject({
    from: OutsideSpec.describe('where its params come from'),
    model: ModelSpec.optional().describe('the network whose params they are; none for an endpoint'),
    preprocessing,
  })
  .superRefine((spec, context) => {
    const problem = outsideModelProblem(spec);
    if (problem) context.addIssue({ code: 'custom', path: [...problem.path], message: problem.message });
  });
export type OutsideModelSpec = z.infer<typeof OutsideModelSpec>;

/** Why a model does not fit to where its params come from; undefined where it does. */
export function outsideModelProblem({
  from,
  model,
  preprocessing,
}: Pick<OutsideModelSpec, 'model' | 'preprocessing'> & { readonly from?: OutsideSpec | undefined }):
  | SpecProblem
  | undefined {
  const isRemote = from !== undefined && 'endpoint' in from;
  if (isRemote && model) return { path: ['model'], message: 'the server at an endpoint has the network: leave it out' };
  if (!isRemote && !model)
    return { path: ['model'], message: 'missing: expected the network, a section with its kind' };
  const { mean = [], std = [] } = preprocessing ?? {};
  if (mean.length === std.length) return undefined;
  return { path: ['preprocessing', 'std'], message: `expected ${mean.length} numbers, as in mean` };
}

/** Where a spec says that a model is served. */
export type EndpointAddress =
  | { readonly kind: 'registered'; readonly name: string }
  | { readonly kind: 'address'; readonly address: string; readonly tls: boolean };

const SCHEMED = /^(?:(grpc|grpcs|https):\/\/)?(.*)$/s;
const HTTPS_PORT = 443;

/**
 * Reads `NAME`, `host:port` or `grpc://host:port` (plain text), `grpcs://host[:port]` or `https://host[:port]` (TLS). Nothing else is an
 * endpoint: other targets of gRPC would reach local sockets, and name servers of the author's choice.
 * @returns undefined for any other text
 */
export function endpointAddress(text: string): EndpointAddress | undefined {
  if (DatasetName.safeParse(text).success) return { kind: 'registered', name: text };
  const [, scheme, rest = ''] = SCHEMED.exec(text) ?? [];
  const tls = scheme === 'grpcs' || scheme === 'https';
  const host = rest.replace(/\/$/, '');
  const address = tls && !/:\d+$/.test(host) ? `${host}:${HTTPS_PORT}` : host;
  return isProducerAddress(address) ? { kind: 'address', address, tls } : undefined;
}
