import { type Tensor, tf } from '@trikd/engine';

type Layer = InstanceType<typeof tf.layers.Layer>;

export interface AttentionSettings {
  readonly heads: number;
}

/**
 * Scaled dot-product attention of tokens among themselves (Vaswani et al. 2017), in heads: softmax(q kᵀ / √d) v for heads of d numbers. From
 * queries, keys and values side by side, [batch, tokens, 3 · width], to [batch, tokens, width]. It has no params.
 */
class Attention extends tf.layers.Layer {
  constructor(private readonly settings: AttentionSettings) {
    super({});
  }

  static get className(): string {
    return 'TrikdAttention';
  }

  override computeOutputShape(inputShape: number[]): number[] {
    return [...inputShape.slice(0, -1), inputShape.at(-1)! / 3];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const input = Array.isArray(inputs) ? inputs[0]! : inputs;
    const [batch, tokens, triple] = input.shape as [number, number, number];
    const { heads } = this.settings;
    const width = triple / 3;
    const each = width / heads;
    const [queries, keys, values] = tf
      .split(input, 3, 2)
      .map((part) => tf.transpose(tf.reshape(part, [batch, tokens, heads, each]), [0, 2, 1, 3]));
    const scores = tf.mul(tf.matMul(queries!, keys!, false, true), 1 / Math.sqrt(each));
    const mixed = tf.matMul(tf.softmax(scores), values!);
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, tokens, width]);
  }

  override getConfig(): ReturnType<Layer['getConfig']> {
    return { ...super.getConfig(), ...this.settings };
  }
}

tf.serialization.registerClass(Attention);

/** Attention in so many heads, which divide the width of the tokens. */
export function attention(settings: AttentionSettings): Layer {
  return new Attention(settings);
}
