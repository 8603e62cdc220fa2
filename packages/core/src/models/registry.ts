import { z } from 'zod';
import type { ImageShape } from '../data/image-source.js';
import { TrikdError } from '../domain/errors.js';
import { mobilenetV2 } from './mobilenet-v2.js';
import type { Layers, Model } from './model.js';
import { moduleModel } from './module/module-spec.js';
import { plainCnn } from './plain-cnn.js';
import { resnet } from './resnet.js';
import { resnetImagenet } from './resnet-imagenet.js';
import { shufflenetV2 } from './shufflenet-v2.js';
import { vgg } from './vgg.js';
import { vit } from './vit.js';
import { wrn } from './wrn.js';

/** Every network. A new one is a file beside these, and a name here. */
export const MODELS = [resnet, plainCnn, wrn, vgg, mobilenetV2, shufflenetV2, resnetImagenet, vit] as const;

const [first, ...others] = MODELS;

/** The network of a role. */
export const ModelSpec = z.discriminatedUnion('kind', [
  first.schema,
  ...others.map(({ schema }) => schema),
  moduleModel,
]);
export type ModelSpec = z.infer<typeof ModelSpec>;

function modelOf({ kind }: ModelSpec): Model<z.ZodType> {
  const found = MODELS.find(({ schema }) => schema.shape.kind.value === kind);
  if (!found) throw new TrikdError('invalid', `there is no model ${kind}`);
  return found;
}

/** The layers of a network up to the vector that it says of an image; the head of the task follows. */
export function features<Node>(layers: Layers<Node>, image: Node, spec: ModelSpec): Node {
  return modelOf(spec).features(layers, image, spec);
}

/** Rejects a network that does not take images of this size. */
export function assertFits(spec: ModelSpec, image: ImageShape): void {
  const problem = modelOf(spec).problem(spec, image);
  if (problem !== undefined) throw new TrikdError('invalid', problem);
}
