import type { Dataset } from '@trikd/core/data/split';
import { canonicalJson, type RunSpec } from '@trikd/core/spec/run-spec';

/** The same loader, reading nothing again while data and seed stay as they were: from one generation to the next. */
export function rememberLast(load: (spec: RunSpec) => Promise<Dataset>): (spec: RunSpec) => Promise<Dataset> {
  let last: { readonly key: string; readonly dataset: Promise<Dataset> } | undefined;
  return (spec) => {
    const key = canonicalJson({ data: spec.data, seed: spec.seed });
    if (last?.key === key) return last.dataset;
    const dataset = load(spec);
    last = { key, dataset };
    // A failure is not remembered: what was missing may be there next time.
    dataset.catch(() => {
      if (last?.dataset === dataset) last = undefined;
    });
    return dataset;
  };
}
