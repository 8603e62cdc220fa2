import { tf } from './tf.js';

/**
 * How often tfjs-layers has used each name. It appends numbers to the names of weights and symbolic tensors to keep them unique, and
 * keeps every name: some kilobytes for each model built.
 */
const GIVEN = findGiven();

/** Records what tfjs-layers remembers. The returned function makes it forget all models built since; dispose of them first. */
export function noteModels(): () => void {
  const before = [...GIVEN];
  return () => {
    forgetLastApplied();
    GIVEN.clear();
    for (const [name, times] of before) GIVEN.set(name, times);
  };
}

/** The map is no export of tfjs-layers: it is seen when a name is written into it. */
function findGiven(): Map<string, number> {
  const probe = 'trikd-probe';
  const { set } = Map.prototype;
  let given: Map<string, number> | undefined;
  Map.prototype.set = function (key, value) {
    if (key === probe) given = this;
    return set.call(this, key, value);
  };
  try {
    tf.input({ name: probe, shape: [1] });
  } finally {
    Map.prototype.set = set;
  }
  if (!given) throw new Error('tfjs-layers keeps its names in no map any more: see what it keeps of a model now');
  given.delete(probe);
  return given;
}

// tfjs-layers caches the order in which layers are applied for its last hundred models, by the names of their tensors, and so keeps the
// models alive. The cache has at least one entry, and a new model with the same names would get it.
tf.env().set('TOPOLOGICAL_SORT_CACHE_MAX_ENTRIES', 1);

const input = tf.input({ shape: [1] });
const output = tf.layers.activation({ activation: 'linear' }).apply(input) as typeof input;
const nothing = tf.model({ inputs: input, outputs: output });

/** Applies a permanent model, which takes the only entry of the cache. */
function forgetLastApplied(): void {
  tf.tidy(() => {
    nothing.apply(tf.zeros([1, 1]));
  });
}
