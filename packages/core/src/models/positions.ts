import { type Tensor, tf } from '@trikd/engine';

type Layer = InstanceType<typeof tf.layers.Layer>;

export interface PositionsSettings {
  /** Tokens in a column of the image, and in a row. */
  readonly height: number;
  readonly width: number;
}

/** The lowest frequency is one radian in so many tokens. */
const LONGEST = 10_000;

/**
 * What tells the tokens of an image apart (Vaswani et al. 2017, for two dimensions as in Beyer et al. 2022): [height · width, channels] of
 * sin(x · ω), cos(x · ω), sin(y · ω) and cos(y · ω), each for a quarter of the channels, with ω from 1 down to 1 / 10,000.
 */
export function positionsOf({ height, width }: PositionsSettings, channels: number): Float32Array {
  const quarter = channels / 4;
  const frequency = (index: number) => LONGEST ** -(index / Math.max(1, quarter - 1));
  const values = new Float32Array(height * width * channels);
  for (let token = 0; token < height * width; token++) {
    const [x, y] = [token % width, Math.floor(token / width)];
    for (let index = 0; index < quarter; index++) {
      const angles = [x, y].map((at) => at * frequency(index));
      const waves = angles.flatMap((angle) => [Math.sin(angle), Math.cos(angle)]);
      for (const [part, wave] of waves.entries()) values[token * channels + part * quarter + index] = wave;
    }
  }
  return values;
}

/** Adds its position to each token. It has no params. */
class Positions extends tf.layers.Layer {
  constructor(private readonly settings: PositionsSettings) {
    super({});
  }

  static get className(): string {
    return 'TrikdPositions';
  }

  override computeOutputShape(inputShape: number[]): number[] {
    return inputShape;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const input = Array.isArray(inputs) ? inputs[0]! : inputs;
    const [, tokens, channels] = input.shape as [number, number, number];
    return tf.add(input, tf.tensor2d(positionsOf(this.settings, channels), [tokens, channels]));
  }

  override getConfig(): ReturnType<Layer['getConfig']> {
    return { ...super.getConfig(), ...this.settings };
  }
}

tf.serialization.registerClass(Positions);

/** For the tokens of an image, row after row. */
export function positions(settings: PositionsSettings): Layer {
  return new Positions(settings);
}
