import { type Tensor, type Tensor2D, tf } from '@trikd/engine';
import { cosineLogits } from '../tasks/verification/cosine-logits.js';

type Layer = InstanceType<typeof tf.layers.Layer>;
type Weight = ReturnType<Layer['addWeight']>;

/** What decides a head, as its configuration spells it. */
export interface CosineHeadSettings {
  readonly name: string;
  readonly classes: number;
  /** s of s · cos θ. */
  readonly scale: number;
  /** Of the initial kernel. */
  readonly seed: number;
}

/** From an embedding [rows, dimension] to the logits s · cos θ [rows, classes]. Its kernel has no bias: only directions count. */
class CosineHead extends tf.layers.Layer {
  private kernel!: Weight;

  constructor(private readonly settings: CosineHeadSettings) {
    super({ name: settings.name });
  }

  static get className(): string {
    return 'TrikdCosineHead';
  }

  override build(inputShape: number[]): void {
    const { classes, seed } = this.settings;
    const initializer = tf.initializers.glorotUniform({ seed });
    this.kernel = this.addWeight('kernel', [inputShape.at(-1)!, classes], 'float32', initializer);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: number[]): number[] {
    return [...inputShape.slice(0, -1), this.settings.classes];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const embeddings = Array.isArray(inputs) ? inputs[0]! : inputs;
    return cosineLogits(embeddings as Tensor2D, this.kernel.read() as Tensor2D, this.settings.scale);
  }

  override getConfig(): ReturnType<Layer['getConfig']> {
    return { ...super.getConfig(), ...this.settings };
  }
}

tf.serialization.registerClass(CosineHead);

/** A head whose weight is `<name>/kernel`, [dimension, classes]. */
export function cosineHead(settings: CosineHeadSettings): Layer {
  return new CosineHead(settings);
}
