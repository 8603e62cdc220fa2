import type { Dataset } from '@trikd/core/data/split';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { type RunSpec } from '@trikd/core/spec/run-spec';

/** Caches the latest dataset: the generations of a run share their data and seed. */
export function rememberLast(load: (spec: RunSpec) => Promise<Dataset>): (spec: RunSpec) => Promise<Dataset> {
  let last: { readonly key: string; readonly dataset: Promise<Dataset> } | undefined;
  return (spec) => {
    const key = canonicalJson({ data: spec.data, seed: spec.seed });
    if (last?.key === key) return last.dataset;
    const dataset = load(spec);
    last = { key, dataset };
    // A failure is not cached: the missing files may be there next time.
    dataset.catch(() => {
      if (last?.dataset === dataset) last = undefined;
    });
    return dataset;
  };
}
