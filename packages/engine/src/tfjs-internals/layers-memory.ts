import { tf } from './tf.js';

/**
 * How often tfjs-layers has given each name. It numbers the names of weights and symbolic tensors until no two are alike, and never
 * forgets one: some kilobytes for every model ever built.
 */
const GIVEN = findGiven();

/** Notes what tfjs-layers remembers. What this returns makes it forget all models built since, which must be disposed of by then. */
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

// In which order layers are applied is kept for the last hundred models, by the names of their tensors, and keeps these models. For one
// it is kept always; and a new model whose names are the same would get it.
tf.env().set('TOPOLOGICAL_SORT_CACHE_MAX_ENTRIES', 1);

const input = tf.input({ shape: [1] });
const output = tf.layers.activation({ activation: 'linear' }).apply(input) as typeof input;
const nothing = tf.model({ inputs: input, outputs: output });

/** Applies a model that stays, so that the order of no other is kept. */
function forgetLastApplied(): void {
  tf.tidy(() => {
    nothing.apply(tf.zeros([1, 1]));
  });
}
