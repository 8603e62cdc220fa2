/** Injection tokens of the model services. */
export const EXCHANGE = Symbol('exchange source');
export const SHUTDOWN = Symbol('shutdown signal');
export const REPLICAS = Symbol('host of replicas');
export const TRAINER = Symbol('trainer');
export const STEPS = Symbol('memory of steps');
export const USAGE = Symbol('reader of what the process uses');
export const ANCHOR = Symbol('anchor holder');
export const MODELS = Symbol('server of models');
export const INFERENCE_LOG = Symbol('log of the server of models');
