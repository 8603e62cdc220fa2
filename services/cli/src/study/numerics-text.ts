import type { Numerics } from '@trikd/core/domain/numerics';

/** What a row says of the program and the machine that computed. */
export function numericsText({ tensorflow, processor }: Pick<Numerics, 'tensorflow' | 'processor'>): string {
  return `TensorFlow ${tensorflow}, ${processor}`;
}
