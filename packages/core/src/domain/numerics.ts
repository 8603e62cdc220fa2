import type { Role } from './position.js';

/**
 * What the bits of a model's numbers depend on besides spec, data and program. TensorFlow chooses kernels by the processor, and kernels add
 * in different orders.
 */
export interface Numerics {
  /** Version of TensorFlow. */
  readonly tensorflow: string;
  /** Vendor, family and model, such as `GenuineIntel 6 143`. */
  readonly processor: string;
  /** What kernels are chosen by: instruction sets of the processor, and variables that overrule them; sorted. */
  readonly kernels: readonly string[];
  /** `cpu`, or the name of the GPU. */
  readonly device: string;
  /** Threads of one operation. */
  readonly threads: number;
  /** Of convolutions, such as `float32`. */
  readonly precision: string;
}

/** Characters of each text of `Numerics`, and kernels, at most: a manifest and a state stay small. */
export const LONGEST_NAME = 200;
export const MOST_KERNELS = 100;

/** The numerics of the models of an attempt; of a model that does not report them, or does not take part, none. */
export type AttemptNumerics = Readonly<Partial<Record<Role, Numerics>>>;

const TEXTS = ['tensorflow', 'processor', 'device', 'threads', 'precision'] as const;

/** What differs, in words: nothing if both compute the same bits. */
export function differences(found: Numerics, expected: Numerics): readonly string[] {
  const texts = TEXTS.flatMap((name) =>
    found[name] === expected[name] ? [] : `${name} ${found[name]} instead of ${expected[name]}`,
  );
  const more = found.kernels.filter((kernel) => !expected.kernels.includes(kernel));
  const less = expected.kernels.filter((kernel) => !found.kernels.includes(kernel));
  return [
    ...texts,
    ...(more.length > 0 ? [`kernels with ${more.join(', ')}`] : []),
    ...(less.length > 0 ? [`kernels without ${less.join(', ')}`] : []),
  ];
}
