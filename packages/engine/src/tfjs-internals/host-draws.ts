import { EngineError } from '../errors.js';
import { activeGraph } from '../graph/active-graph.js';
import { tf } from './tf.js';

/** The ops of tfjs that draw on the host. Each opens a scope of its name, as every op does. */
const DRAWS = /^(rand|random\w*|truncatedNormal|multinomial|dropout)__op$/;

/**
 * Refuses an op of tfjs that draws random numbers on the host while a graph is traced: they would be constants of the graph, the same at
 * every run.
 */
const engine = tf.engine();
const { startScope } = engine;
engine.startScope = function (name) {
  const op = DRAWS.exec(name ?? '')?.[1];
  if (op && activeGraph()) {
    throw new EngineError('UNIMPLEMENTED', 'random numbers drawn while tracing would be the same at every run', op);
  }
  return startScope.call(this, name);
};
