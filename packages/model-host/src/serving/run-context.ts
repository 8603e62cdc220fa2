import type { Dataset } from '@trikd/core/data/split';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import { TrikdError } from '@trikd/core/domain/errors';
import type { RunState } from '@trikd/core/run/state';
import { batchSizes } from '@trikd/core/serving/served-model';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { traceServed } from '@trikd/core/training/role-program';
import type { Program } from '@trikd/engine';
import type { RunContext } from './served-version.js';
import type { ServingParts } from './serving-parts.js';

/** Programs that are kept for further versions: a run has a few models. */
const MOST_PROGRAMS = 4;

/**
 * Reads what all versions of a run need. Of its data only the size of the images and their statistics are kept.
 * @throws TrikdError for data that this process does not have, 'invalid' for others than those that the run was trained on
 */
export async function openRunContext(
  { loadDataset, settings }: ServingParts,
  spec: RunSpec,
  state: RunState,
): Promise<RunContext> {
  const dataset = await loadDataset(spec);
  const trained = 'facts' in state ? state.facts?.datasetDigest : undefined;
  if (trained !== undefined && trained !== dataset.digest) {
    const message = `the data of run ${spec.name} are others here (${dataset.digest}) than those it was trained on (${trained})`;
    throw new TrikdError('invalid', message);
  }
  const context = { spec, dataset: withoutImages(dataset) };
  const programs = new Map<string, Program>();
  return {
    ...context,
    async programOf({ model }) {
      const key = canonicalJson(model);
      const known = programs.get(key);
      if (known) return known;
      const program = traceServed(context, model, batchSizes(settings.maxBatch, spec));
      if (programs.size >= MOST_PROGRAMS) programs.delete(programs.keys().next().value!);
      programs.set(key, program);
      return program;
    },
  };
}

function withoutImages(dataset: Dataset): Dataset {
  const none = { count: 0, images: new Uint8Array(), labels: new Uint8Array() };
  return { ...dataset, train: none, validation: none, test: none };
}
