import { type PairManifest, readManifest } from '@trikd/core/checkpoint/manifest';
import { closest } from '@trikd/core/domain/closest';
import { TrikdError } from '@trikd/core/domain/errors';
import type { BestParams, Blob, Score } from '@trikd/core/domain/role-checkpoint';
import type { ModelSpec } from '@trikd/core/models/registry';
import { bestStage } from '@trikd/core/run/promotion';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { stagesOf } from '@trikd/core/stages/stages-of';
import { assertLearners, learnerAt, stageOf } from '../../run/participants.js';
import { catalogue, learnersOf } from '../checkpoint/catalogue.js';
import type { OpenRun } from '../checkpoint/open-run.js';
import type { Choice } from './command.js';

/** Params of a learner. */
export interface ExportSubject {
  /** Index of the stage. */
  readonly stage: number;
  readonly learner: string;
  readonly model: ModelSpec;
  readonly params: Blob;
  /** Last step that changed them, counted in the stage. */
  readonly step: number;
  /** Scores of these params that the run recorded, by split. */
  readonly scores: Readonly<Partial<Record<'validation' | 'test', Score>>>;
}

/**
 * Finds the params that options name: of a stage that has ended its result, of one that has not its newest checkpoint.
 * @throws TrikdError 'not-found' when the run does not have them, 'corrupt' for a damaged checkpoint
 */
export async function exportSubject(run: OpenRun, choice: Choice): Promise<ExportSubject> {
  const { spec, state } = run;
  const { participant, params } = choice;
  assertLearners(spec, participant === undefined ? [] : [participant]);
  const stage = stageIndex(run, choice);
  const learner = participant ?? stageOf(spec, stage).decisive;
  const result = state.results.find(({ stage: stageIndex }) => stageIndex === stage);
  const known = { stage, learner, model: learnerAt(spec, stage, learner).model };
  const ended = result?.learners[learner];
  if (params === 'best' && ended) return { ...known, ...bestOf(ended.best) };
  const { name, manifest } = result
    ? await resultManifest(run, result.pair.manifestKey)
    : await newestManifest(run, stage);
  const part = learnersOf(spec, manifest, name, [learner])[0]![1];
  if (params === 'last') return { ...known, params: part.state, step: manifest.step, scores: {} };
  if (part.best) return { ...known, ...bestOf(part.best) };
  throw new TrikdError('not-found', `${learner} was not validated before ${name}; --params last takes its state`);
}

/** As the state and the manifests store it. */
type StoredBest = Omit<BestParams, 'test'> & { readonly test?: Score | undefined };

function bestOf({ step, params, validation, test }: StoredBest): Pick<ExportSubject, 'step' | 'params' | 'scores'> {
  return { step, params, scores: { validation, ...(test && { test }) } };
}

/** The stage that is asked for; without that the one of the result, or with a participant the newest up to it that trained it. */
function stageIndex({ spec, state }: OpenRun, { stage, participant }: Choice): number {
  // A name begins with a letter.
  if (stage !== undefined) return /^\d+$/.test(stage) ? existing(spec, Number(stage)) : stageNamed(spec, stage);
  const best = bestStage(state.results, spec);
  if (best === undefined) {
    throw new TrikdError('not-found', `run ${spec.name} has no result yet; --stage takes the newest checkpoint of one`);
  }
  if (participant === undefined) return best;
  const newest = state.results.findLast(({ stage: own, learners }) => own <= best && learners[participant]);
  if (newest) return newest.stage;
  throw new TrikdError('not-found', `run ${spec.name} has no result of ${participant} yet`);
}

function stageNamed(spec: RunSpec, name: string): number {
  const names = stagesOf(spec).map((stage) => stage.name);
  const index = names.indexOf(name);
  if (index !== -1) return index;
  const meant = closest(name, names);
  const hint = meant === undefined ? `it has ${names.join(', ')}` : `did you mean ${meant}?`;
  throw new TrikdError('not-found', `run ${spec.name} has no stage ${name}; ${hint}`);
}

function existing(spec: RunSpec, index: number): number {
  const { length } = stagesOf(spec);
  if (index < length) return index;
  throw new TrikdError('not-found', `run ${spec.name} has ${length} stages, there is none of index ${index}`);
}

interface NamedManifest {
  readonly name: string;
  readonly manifest: PairManifest;
}

async function resultManifest({ store }: OpenRun, key: string): Promise<NamedManifest> {
  const manifest = await readManifest(store, key);
  return { name: `${manifest.stage}/${manifest.step}-${manifest.attempt}`, manifest };
}

async function newestManifest(run: OpenRun, stage: number): Promise<NamedManifest> {
  const entries = await catalogue(run);
  const entry = entries.find(({ stage: stageIndex, status }) => stageIndex === stage && status === 'live');
  const { spec } = run;
  if (!entry?.manifest) {
    throw new TrikdError('not-found', `run ${spec.name} has no checkpoint of stage ${stageOf(spec, stage).name} yet`);
  }
  return { name: entry.name, manifest: entry.manifest };
}
