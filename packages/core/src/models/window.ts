import type { ImageShape } from '../data/image-source.js';
import type { Window } from './model.js';

/** Halves an image, and leaves the last row and column out if a side is odd. */
export const POOLING: Window = { size: 2, stride: 2, padding: 'none' };

/**
 * The zeros to put on each side of an image before a window moves over it without padding; undefined where TensorFlow's own `same` puts
 * them where symmetric padding does.
 */
export function paddedSides(
  { height, width }: ImageShape,
  { size = 3, stride = 1, padding }: Window,
): number | undefined {
  if (padding !== 'symmetric') return undefined;
  const each = (size - 1) / 2;
  const same = (side: number) => Math.max(0, (Math.ceil(side / stride) - 1) * stride + size - side);
  return same(height) === 2 * each && same(width) === 2 * each ? undefined : each;
}

/** What is left of an image where a window has moved over it. */
export function afterWindow<Shape extends ImageShape>(image: Shape, { size = 3, stride = 1, padding }: Window): Shape {
  const left = (side: number) =>
    padding === 'none' ? Math.max(1, Math.floor((side - size) / stride) + 1) : Math.ceil(side / stride);
  return { ...image, height: left(image.height), width: left(image.width) };
}
