import type { HeadLayer } from '../tasks/head.js';
import type { Layers } from './model.js';

/** What a model puts out: logits, and the embedding that they are computed from if its head has one. */
export function headOutputs<Node>(layers: Layers<Node>, features: Node, head: readonly HeadLayer[]): Node[] {
  let node = features;
  const embeddings: Node[] = [];
  for (const layer of head) {
    node = applied(layers, node, layer);
    if (layer.kind === 'embedding') embeddings.push(node);
  }
  return [node, ...embeddings];
}

function applied<Node>(layers: Layers<Node>, node: Node, layer: HeadLayer): Node {
  const { name, units } = layer;
  switch (layer.kind) {
    case 'dense':
      return layers.dense(node, name, units);
    case 'embedding':
      return layers.vectorNormalisation(layers.dense(node, name, units, { useBias: false }), `${name}_bn`, units);
    case 'cosine':
      return layers.cosine(node, name, units, layer.scale);
  }
}
