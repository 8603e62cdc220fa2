import type { LayersModel } from '@trikd/engine';
import type { ImageShape } from '../../data/image-source.js';
import { TrikdError } from '../../domain/errors.js';
import type { HeadLayer } from '../../tasks/head.js';
import type { ModelCost } from '../layer-counter.js';
import type { ModuleModel } from './module-spec.js';

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
