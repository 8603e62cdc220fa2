import { TrikdError } from '@trikd/core/domain/errors';
import { sizeInSpec } from '@trikd/core/spec/admission';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { loadDataset, ownData } from '@trikd/model-host/data/load-dataset';
import { loadNetworks } from '@trikd/model-host/modules/load-networks';
import { quietTensorFlow } from '@trikd/process/environment';
import { ownLimits } from '../own-limits.js';
import type { Shell } from '../shell.js';
import type { KnownData } from './explained.js';

/** What is known of the data of a run. Files are read; where that fails, what the spec says of them counts. */
export async function knownData(spec: RunSpec, env: Shell['env']): Promise<KnownData> {
  const { data } = spec;
  const own = ownData(ownLimits(env));
  // Models are built, and nothing is computed with them.
  quietTensorFlow();
  await loadNetworks(spec, own.modules, own.admission);
  const made = sizeInSpec(spec);
  if (made) return { train: made.train, shape: made };
  try {
    const { height, width, channels, classes, train } = await loadDataset(spec, own);
    return { train: train.count, shape: { height, width, channels, classes } };
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    return { ...(data.train !== undefined && { train: data.train }), problem: error.message };
  }
}
