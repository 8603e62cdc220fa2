import { z } from 'zod';
import { Size } from '../spec/fields.js';
import { defineModel, type Layers, MOST_LAYERS } from './model.js';

/** The hidden layer of a block has this many times the width. */
const EXPANSION = 4;

/** Blocks at most: each has four dense layers. */
const MOST_BLOCKS = Math.floor(MOST_LAYERS / 4);

/**
 * Vision transformer (Dosovitskiy et al. 2021) in its plain form (Beyer et al. 2022): patches become tokens with fixed positions; each block is
 * attention and a dense layer with GELU, each behind layer norm and beside a shortcut. There is no class token: what it says of an
 * image is the mean of its tokens.
 */
export const vit = defineModel({
  schema: z
    .strictObject({
      kind: z.literal('vit').describe('vision transformer with fixed positions (Beyer et al. 2022)'),
      patch: Size.default(4).describe('side of the patches, which divides that of the images'),
      width: Size.max(8192).default(192).describe('numbers of a token, a multiple of 4 and of the heads'),
      depth: z.int().positive().max(MOST_BLOCKS).default(6).describe('blocks'),
      heads: Size.default(3).describe('of the attention'),
    })
    .refine(({ width, heads }) => width % 4 === 0 && width % heads === 0, {
      path: ['width'],
      message: 'the width must be a multiple of 4 and of the heads',
    }),
  problem({ patch }, { height, width }) {
    if (height % patch === 0 && width % patch === 0) return undefined;
    return `a vit with patches of ${patch}x${patch} does not divide images of ${height}x${width}`;
  },
  features(layers, image, { patch, width, depth, heads }) {
    let node = layers.tokens(layers.patches(image, 'patches', width, patch));
    for (let block = 0; block < depth; block++) node = transformed(layers, node, `block${block}`, width, heads);
    return layers.averagedTokens(layers.layerNormalisation(node, 'norm'));
  },
});

function transformed<Node>(layers: Layers<Node>, input: Node, name: string, width: number, heads: number): Node {
  const seen = layers.layerNormalisation(input, `${name}/norm1`);
  const mixed = layers.attention(layers.dense(seen, `${name}/qkv`, 3 * width), heads);
  const middle = layers.add([input, layers.dense(mixed, `${name}/projection`, width)]);
  const normal = layers.layerNormalisation(middle, `${name}/norm2`);
  const hidden = layers.gelu(layers.dense(normal, `${name}/hidden`, EXPANSION * width));
  return layers.add([middle, layers.dense(hidden, `${name}/output`, width)]);
}
