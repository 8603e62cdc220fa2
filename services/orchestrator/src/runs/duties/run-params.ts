import { readManifest } from '@trikd/core/checkpoint/load-manifest';
import type { Blob } from '@trikd/core/domain/blob';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { ModelSpec } from '@trikd/core/models/registry';
import type { Owner } from '@trikd/core/run/placement';
import { loadRun } from '@trikd/core/run/run-store';
import { originText, type RunRef } from '@trikd/core/stages/origin';
import { stagesOf } from '@trikd/core/stages/stages-of';

/** The run that uses params of another one, and the model that they are for. */
export interface ParamsUser {
  readonly runId: string;
  readonly model: ModelSpec;
}

/**
 * The params of a learner of another run. To a run of another owner and team it does not exist.
 * @throws TrikdError 'invalid' that says what the other run lacks, or that its learner has another network; 'corrupt' for a damaged run
 */
export async function runParams(store: ObjectStore, from: RunRef, { runId, model }: ParamsUser): Promise<Blob> {
  const { spec, state, owner } = await loadRun(store, from.run).catch((cause: unknown) => {
    if (!(cause instanceof TrikdError) || cause.kind !== 'not-found') throw cause;
    throw absent(from, { cause });
  });
  if (!maySee((await loadRun(store, runId)).owner, owner)) throw absent(from);
  const lacks = (what: string) => new TrikdError('invalid', `${originText(from)}: ${what}`);
  const stages = stagesOf(spec);
  const index =
    from.stage === undefined ? state.results.length - 1 : stages.findIndex(({ name }) => name === from.stage);
  const stage = stages[index];
  const result = state.results[index];
  if (from.stage !== undefined && !stage)
    throw lacks(`there are only the stages ${stages.map(({ name }) => name).join(', ')}`);
  if (!stage || !result)
    throw lacks(stage ? `stage ${stage.name} has not ended yet` : 'none of its stages has ended yet');
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

/** Whether the owner of a run may know of another one. A run is created without an owner only where everybody may do everything. */
function maySee(owner: Owner | undefined, other: Owner | undefined): boolean {
  if (!owner) return true;
  if (!other) return false;
  return owner.subject === other.subject || (owner.team !== undefined && owner.team === other.team);
}

/** It is the spec that names it that is wrong. */
function absent(from: RunRef, options?: ErrorOptions): TrikdError {
  return new TrikdError('invalid', `${originText(from)}: the store has no such run`, {}, options);
}
