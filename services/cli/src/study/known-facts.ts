import { TrikdError } from '@trikd/core/domain/errors';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { knownData } from '../explain/known-data.js';
import type { Shell } from '../shell.js';
import type { DataFacts } from './compute.js';

/** Reads what is known of the data of runs, once for each set of data: the seed changes no size. */
export function knownFacts(env: Shell['env']): (spec: RunSpec) => Promise<DataFacts> {
  const known = new Map<string, Promise<DataFacts>>();
  return (spec) => {
    const key = JSON.stringify([spec.data, spec.task]);
    const facts = known.get(key) ?? factsOf(spec, env);
    known.set(key, facts);
    return facts;
  };
}

async function factsOf(spec: RunSpec, env: Shell['env']): Promise<DataFacts> {
  const { train, shape, problem } = await knownData(spec, env);
  if (train !== undefined && shape) return { ...shape, train };
  throw new TrikdError('invalid', problem ?? 'the size of the data is not known');
}
