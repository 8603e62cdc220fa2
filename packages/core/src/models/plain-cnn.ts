import { z } from 'zod';
import { Size } from '../spec/fields.js';
import { defineModel, MOST_LAYERS, pooledAway } from './model.js';

/**
 * A plain convolutional network: 3x3 convolutions with batch norm and ReLU, 2x2 max-pooling after every second one,
 * then dense layers (the networks of Mirzadeh et al. 2020), with dropout before each of them if the spec has any.
 */
export const plainCnn = defineModel({
  schema: z.strictObject({
    kind: z
      .literal('plain-cnn')
      .describe('3x3 convolutions with batch norm and ReLU, 2x2 max-pooling after every second'),
    channels: z.array(Size).min(1).max(MOST_LAYERS).describe('output channels of each convolution'),
    hidden: z.array(Size).max(MOST_LAYERS).default([]).describe('units of dense layers before the classifier'),
    dropout: z
      .number()
      .gt(0)
      .lt(1)
      .optional()
      .describe(
        'share of the inputs of each dense layer that a training step drops (Srivastava et al. 2014); default: none',
      ),
  }),
  problem: ({ channels: { length } }, image) =>
    pooledAway(`a plain-cnn of ${length} convolutions`, Math.floor(length / 2), image),
  features(layers, image, { channels, hidden, dropout }) {
    const dropped = (of: typeof image) => (dropout === undefined ? of : layers.dropout(of, dropout));
    let node = image;
    for (const [index, filters] of channels.entries()) {
      node = layers.relu(layers.normalisation(layers.convolution(node, `conv${index}`, filters), `bn${index}`));
      if (index % 2 === 1) node = layers.maxPooling(node);
    }
    node = dropped(layers.flatten(node));
    for (const [index, units] of hidden.entries()) {
      node = dropped(layers.relu(layers.dense(node, `dense${index}`, units)));
    }
    return node;
  },
});
