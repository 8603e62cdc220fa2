/**
 * A layer between what a network says of an image and its logits. `dense` has a bias. `embedding` has none, and batch norm after it: its
 * output is the embedding of the image. `cosine` has the logits scale · cos θ, for the angle θ between its input and the weight of each
 * of its units.
 */
export type HeadLayer =
  | { readonly kind: 'dense' | 'embedding'; readonly name: string; readonly units: number }
  | { readonly kind: 'cosine'; readonly name: string; readonly units: number; readonly scale: number };
