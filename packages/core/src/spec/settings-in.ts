import { canonicalJson } from '../domain/canonical-json.js';

/** The settings of a spec that have a value of their own: canonical JSON by path, such as `0.05` by `student.learningRate`. */
export function settingsIn(spec: unknown): ReadonlyMap<string, string> {
  return new Map(leavesOf(spec, ''));
}

function leavesOf(value: unknown, path: string): readonly (readonly [string, string])[] {
  if (value === null || typeof value !== 'object') return [[path, canonicalJson(value)]];
  const below = Object.entries(value).filter(([, inner]) => inner !== undefined);
  // An empty list says something, unlike a setting that is absent.
  if (below.length === 0 && path !== '') return [[path, canonicalJson(value)]];
  return below.flatMap(([key, inner]) => leavesOf(inner, path === '' ? key : `${path}.${key}`));
}

/** A spec, or its settings, with the kernels that it means: without any it was trained with TensorFlow's. */
export function withStatedKernels<Settings extends { readonly engine?: object }>(spec: Settings): Settings {
  return spec.engine ? { ...spec, engine: { kernels: 'tensorflow', ...spec.engine } } : spec;
}
