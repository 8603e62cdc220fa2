import { readManifest } from '@trikd/core/checkpoint/manifest';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Blob } from '@trikd/core/domain/role-checkpoint';
import type { ModelSpec } from '@trikd/core/models/registry';
import { type Imported, importedFrom } from '@trikd/core/run/current-stage';
import type { Owner } from '@trikd/core/run/placement';
import type { Preparing, Training } from '@trikd/core/run/state';
import { loadRun } from '@trikd/core/run/stored/run-store';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { inputsOf, type StageInput } from '@trikd/core/stages/inputs';
import { originText, type RunRef } from '@trikd/core/stages/origin';
import { isRemote, type Stage } from '@trikd/core/stages/stage';
import { stagesOf } from '@trikd/core/stages/stages-of';

type StageState = Pick<Preparing | Training, 'anchor' | 'results' | 'imported'>;

/** Params by participant. */
export type InputBlobs = Readonly<Record<string, Blob>>;

/**
 * The params in the store that a stage starts from: of its frozen models, and of learners that do not start from fresh ones. Those of files
 * are read by the services.
 * @throws TrikdError 'corrupt' when an earlier stage has not left them, 'invalid' when another run does not have them
 */
export async function stageInputs(
  { spec, store }: { readonly spec: RunSpec; readonly store: ObjectStore },
  stage: Stage,
  todo: StageState,
): Promise<InputBlobs> {
  const blobs = inputsOf(spec, stage).map(async ({ name, from }) => {
    const blob = await blobOf({ spec, store }, name, from, stage, todo);
    return blob ? [[name, blob] as const] : [];
  });
  return Object.fromEntries((await Promise.all(blobs)).flat());
}

/** SHA-256 of the params of each frozen model of a stage, by name: of the blob, or of the file as the run has recorded it. */
export function digestsOf(
  inputs: InputBlobs,
  { frozen }: Stage,
  { imported = {} }: Pick<StageState, 'imported'>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    frozen.flatMap(({ name, from }) => {
      const recorded = from === 'promoted' ? undefined : imported[originText(from)];
      const sha256 = inputs[name]?.sha256 ?? recorded;
      return sha256 === undefined ? [] : [[name, sha256] as const];
    }),
  );
}

/**
 * SHA-256 of what a stage has from outside of the run.
 * @param files of files that services have read, by participant
 * @throws TrikdError 'invalid' when two services have read different files
 */
export function importedBy(
  { spec }: { readonly spec: RunSpec },
  stage: Stage,
  inputs: InputBlobs,
  files: Readonly<Record<string, string>>,
): Imported {
  return importedFrom(
    inputsOf(spec, stage).flatMap(({ name, from }) => {
      if (from === 'promoted' || from.kind === 'stage') return [];
      const sha256 = inputs[name]?.sha256 ?? files[name];
      return sha256 === undefined ? [] : [[from, sha256] as const];
    }),
  );
}

async function blobOf(
  { spec, store }: { readonly spec: RunSpec; readonly store: ObjectStore },
  name: string,
  from: StageInput['from'],
  { learners, frozen }: Stage,
  { anchor, results }: StageState,
): Promise<Blob | undefined> {
  if (from === 'promoted') return required(anchor?.params, 'no student was promoted');
  switch (from.kind) {
    case 'file':
    case 'endpoint':
      return undefined;
    case 'run': {
      const loaded = frozen.flatMap((each) => (isRemote(each) ? [] : [each]));
      const { model } = required(
        [...learners, ...loaded].find((each) => each.name === name),
        `there is no ${name}`,
      );
      return await runParams(store, from, { runId: spec.name, model });
    }
    case 'stage': {
      const { stage, participant, at } = from;
      const result = results[from.index];
      const missing = `stage ${stage} has left no params of ${participant}`;
      if (at === 'best') return required(result?.learners[participant]?.best.params, missing);
      const manifest = await readManifest(store, required(result, missing).pair.manifestKey);
      return required(manifest.learners[participant]?.state, missing);
    }
  }
}

function required<T>(value: T | undefined, missing: string): T {
  if (value === undefined) throw new TrikdError('corrupt', missing);
  return value;
}

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
