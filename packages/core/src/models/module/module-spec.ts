import type { LayersModel } from '@trikd/engine';
import { z } from 'zod';
import type { ImageShape } from '../../data/image-source.js';
import { TrikdError } from '../../domain/errors.js';
import type { HeadLayer } from '../../tasks/head.js';
import type { ModelCost } from '../layer-counter.js';

/** Bytes of the text of a module, at most: it is read and hashed whole. */
export const MOST_MODULE_BYTES = 256 * 1024;

/** Settings of a module, and numbers in a list of one, at most. */
const MOST_SETTINGS = 64;
/** Characters of a name or of a text in the settings, at most. */
const LONGEST_TEXT = 256;
/** Characters of a path: PATH_MAX of Linux. */
const LONGEST_PATH = 4096;

/** Where a function is: in the text of a module, which its digest identifies. */
export const moduleReference = {
  file: z
    .string()
    .max(LONGEST_PATH)
    .regex(/^\P{Cc}*\.(ts|mts|js|mjs)$/u, 'a file named *.ts, *.mts, *.js or *.mjs')
    .describe('path of the file, seen from the file of the run; a run that is created keeps its name alone'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hex')
    .optional()
    .describe('of the file; default: that of the file when the run is created'),
  export: z
    .string()
    .max(LONGEST_TEXT)
    .regex(/^[\p{L}_$][\p{L}\p{N}_$]*$/u, 'a name of JavaScript')
    .optional()
    .describe('which function of the file; default: its default export'),
  settings: z
    .record(
      z.string().max(LONGEST_TEXT),
      z.union([z.number(), z.boolean(), z.string().max(LONGEST_TEXT), z.array(z.number()).max(MOST_SETTINGS)]),
    )
    .refine((settings) => Object.keys(settings).length <= MOST_SETTINGS, `at most ${MOST_SETTINGS} settings`)
    .optional()
    .meta({ title: 'numbers, texts, true or false, or lists of numbers, by name' })
    .describe('what the function gets as `settings`; default: none'),
} as const;

/** A model that a function of the user makes. */
export const moduleModel = z.strictObject({
  kind: z.literal('module').describe('a LayersModel of TensorFlow.js that a function of your own makes'),
  ...moduleReference,
  head: z
    .enum(['task', 'own'])
    .optional()
    .describe(
      'task: the model puts out a vector for each image, and the head of the task follows; own: it puts out the logits, for the task classification; default: task',
    ),
});
export type ModuleModel = z.infer<typeof moduleModel>;

/** A function of a module, ready to make models. */
export interface LoadedNetwork {
  /** @throws TrikdError 'invalid' that names the module, for a model that cannot be trained */
  cost(spec: ModuleModel, shape: ImageShape, head: readonly HeadLayer[]): ModelCost;
  /** As `buildModel`. @throws the same */
  build(spec: ModuleModel, shape: ImageShape, head: readonly HeadLayer[], seed: number): LayersModel;
  /** Why the engine could not trace the model: names the layer, where it is one without a gradient. */
  untraceable(spec: ModuleModel, shape: ImageShape, head: readonly HeadLayer[], cause: unknown): TrikdError;
}

/**
 * The functions of modules that this process has loaded. Loading is an effect, and only the rim of a process decides whose code it runs;
 * models are built inside of traces, which cannot wait for it.
 */
const loaded = new Map<string, LoadedNetwork>();

const keyOf = ({ sha256, export: name = 'default' }: Pick<ModuleModel, 'sha256' | 'export'>) => `${sha256} ${name}`;

/** Keeps a function by the digest of its text. */
export function addNetwork(spec: Pick<ModuleModel, 'sha256' | 'export'>, network: LoadedNetwork): void {
  loaded.set(keyOf(spec), network);
}

export function isLoaded(spec: ModuleModel): boolean {
  return loaded.has(keyOf(spec));
}

/** @throws TrikdError 'wrong-state' when it is not loaded */
export function loadedNetwork(spec: ModuleModel): LoadedNetwork {
  const found = loaded.get(keyOf(spec));
  if (!found) throw new TrikdError('wrong-state', `the module ${spec.file} is not loaded in this process`);
  return found;
}
