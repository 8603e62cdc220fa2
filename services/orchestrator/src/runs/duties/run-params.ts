import { readManifest } from '@trikd/core/checkpoint/load-manifest';
import type { Blob } from '@trikd/core/domain/blob';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { ModelSpec } from '@trikd/core/models/registry';
import { loadRun } from '@trikd/core/run/run-store';
import { originText, type RunRef } from '@trikd/core/stages/origin';
import { stagesOf } from '@trikd/core/stages/stages-of';

/**
 * The params of a learner of another run.
 * @param model the network that they are for
 * @throws TrikdError 'invalid' that says what the other run lacks, or that its learner has another network; 'corrupt' for a damaged run
 */
export async function runParams(store: ObjectStore, from: RunRef, model: ModelSpec): Promise<Blob> {
  const { spec, state } = await loadRun(store, from.run).catch((cause: unknown) => {
    if (!(cause instanceof TrikdError) || cause.kind !== 'not-found') throw cause;
    // Of this run it is the spec that is wrong.
    throw new TrikdError('invalid', `${originText(from)}: ${cause.message}`, {}, { cause });
  });
  const lacks = (what: string) => new TrikdError('invalid', `${originText(from)}: ${what}`);
  const stages = stagesOf(spec);
  const index =
    from.stage === undefined ? state.results.length - 1 : stages.findIndex(({ name }) => name === from.stage);
  const stage = stages[index];
  const result = state.results[index];
  if (from.stage !== undefined && !stage)
    throw lacks(`there are only the stages ${stages.map(({ name }) => name).join(', ')}`);
  if (!stage || !result) throw lacks(`${stage ? `stage ${stage.name}` : 'none of its stages'} has not ended yet`);
  const name = from.participant ?? stage.decisive;
  const learner = stage.learners.find((each) => each.name === name);
  const outcome = result.learners[name];
  if (!learner || !outcome) {
    throw lacks(`stage ${stage.name} has only the learners ${stage.learners.map((each) => each.name).join(', ')}`);
  }
  if (JSON.stringify(learner.model) !== JSON.stringify(model)) {
    throw lacks(`${name} of stage ${stage.name} has another network, ${JSON.stringify(learner.model)}`);
  }
  if (from.at === 'best') return outcome.best.params;
  const { learners } = await readManifest(store, result.pair.manifestKey);
  const last = learners[name]?.state;
  if (!last) throw new TrikdError('corrupt', `${originText(from)}: its manifest has no state of ${name}`);
  return last;
}
