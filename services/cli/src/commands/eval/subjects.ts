import { TrikdError } from '@trikd/core/domain/errors';
import type { BestParams, Blob, Score } from '@trikd/core/domain/role-checkpoint';
import type { ModelSpec } from '@trikd/core/models/registry';
import { bestStage } from '@trikd/core/run/promotion';
import type { StageResult } from '@trikd/core/run/state';
import { readPointer } from '@trikd/core/run/stored/anchor-pointer';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { stageText } from '@trikd/events/names';
import { assertLearners, inOrderOf, learnerAt, stageOf } from '../../run/participants.js';
import { catalogue, learnersOf, selected } from '../checkpoint/catalogue.js';
import type { OpenRun } from '../checkpoint/open-run.js';
import type { EvalOptions } from './command.js';

/** Params to evaluate, and the scores that the run recorded for them. */
export interface Subject {
  /** For people: `best params of generation 1`. */
  readonly what: string;
  /** The learner, by name. */
  readonly role: string;
  readonly model: ModelSpec;
  readonly blob: Blob;
  readonly recorded: Readonly<Partial<Record<string, Score>>>;
}

/** Finds the params to evaluate. @throws TrikdError 'not-found' when the run does not have them, 'corrupt' for a damaged checkpoint */
export async function subjectsOf(
  run: OpenRun,
  { wanted, roles, params }: Pick<EvalOptions, 'wanted' | 'roles' | 'params'>,
): Promise<readonly Subject[]> {
  const { spec } = run;
  assertLearners(spec, roles);
  if (wanted === 'anchor') return [await anchorOf(run)];
  if (wanted === 'result') return resultsOf(run, roles);
  const entry = selected(await catalogue(run), wanted, spec.name);
  const { manifest, name, refusal } = entry;
  if (!manifest) throw refusal ?? new TrikdError('corrupt', `the checkpoint ${name} cannot be read`);
  return learnersOf(spec, manifest, name, roles).map(([role, { state, best }]) => {
    const { model } = learnerAt(spec, manifest.stage, role);
    if (params === 'state' || !best) return { what: `state at ${name}`, role, model, blob: state, recorded: {} };
    const what = `best params at ${name}, of step ${best.step}`;
    return { what, role, model, blob: best.params, recorded: scoresOf(best) };
  });
}

async function anchorOf({ store, spec, state }: OpenRun): Promise<Subject> {
  const pointer = await readPointer(store, spec.name);
  if (!pointer) throw new TrikdError('not-found', `run ${spec.name} has no anchor: no student was promoted yet`);
  const { stage, params } = pointer;
  const { decisive: role } = stageOf(spec, stage);
  const best = state.results.find((one) => one.stage === stage)?.learners[role]?.best;
  const what = `anchor, the student of generation ${stage}`;
  const { model } = learnerAt(spec, stage, role);
  return { what, role, model, blob: params, recorded: best ? scoresOf(best) : {} };
}

/** The learners of the best stage; with names, the newest result of each up to that one. */
function resultsOf({ spec, state }: OpenRun, roles: readonly string[]): readonly Subject[] {
  const index = bestStage(state.results, spec);
  const upToBest = state.results.slice(0, index === undefined ? state.results.length : index + 1);
  const best = index === undefined ? undefined : state.results[index];
  if (!best && (roles.length === 0 || upToBest.length === 0)) {
    throw new TrikdError('not-found', `run ${spec.name} has no result yet; \`latest\` is its newest checkpoint`);
  }
  const wanted = roles.length > 0 ? roles : inOrderOf(spec, Object.keys(best?.learners ?? {}));
  return wanted.map((role) => {
    const result = upToBest.findLast(({ learners }) => learners[role] !== undefined);
    if (result) return resultOf(spec, result, role);
    throw new TrikdError('not-found', `run ${spec.name} has no result of ${role} yet`);
  });
}

function resultOf(spec: RunSpec, { stage, learners }: StageResult, role: string): Subject {
  const { params, ...scores } = learners[role]!.best;
  const { model } = learnerAt(spec, stage, role);
  const what = `best params of ${stageText(stageOf(spec, stage).name, stage)}`;
  return { what, role, model, blob: params, recorded: scoresOf(scores) };
}

function scoresOf({
  validation,
  test,
}: {
  readonly validation: Score;
  readonly test?: BestParams['test'] | undefined;
}): Subject['recorded'] {
  return { validation, ...(test && { test }) };
}
