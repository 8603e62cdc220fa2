import type { Blob } from '@trikd/core/domain/blob';
import { TrikdError } from '@trikd/core/domain/errors';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { Score } from '@trikd/core/domain/score';
import { readPointer } from '@trikd/core/run/anchor-pointer';
import { bestGeneration } from '@trikd/core/run/promotion';
import { taskOf } from '@trikd/core/tasks/task-of';
import { catalogue } from '../checkpoint/catalogue.js';
import type { OpenRun } from '../checkpoint/open-run.js';
import { selected } from '../checkpoint/select.js';
import type { EvalOptions } from './command.js';

/** Params to evaluate, and the scores that the run recorded for them. */
export interface Subject {
  /** For people: `best params of generation 1`. */
  readonly what: string;
  readonly role: TrainedRole;
  readonly blob: Blob;
  readonly recorded: Readonly<Partial<Record<string, Score>>>;
}

/** Finds the params to evaluate. @throws TrikdError 'not-found' when the run does not have them, 'corrupt' for a damaged checkpoint */
export async function subjectsOf(
  run: OpenRun,
  { wanted, roles, params }: Pick<EvalOptions, 'wanted' | 'roles' | 'params'>,
): Promise<readonly Subject[]> {
  if (wanted === 'anchor') return [await anchorOf(run)];
  if (wanted === 'result') return roles.map((role) => resultOf(run, role));
  const entry = selected(await catalogue(run), wanted, run.spec.name);
  const { manifest, name, refusal } = entry;
  if (!manifest) throw refusal ?? new TrikdError('corrupt', `the checkpoint ${name} cannot be read`);
  return roles.map((role) => {
    const { state, best } = manifest[role];
    if (params === 'state' || !best) return { what: `state at ${name}`, role, blob: state, recorded: {} };
    return { what: `best params at ${name}, of step ${best.step}`, role, blob: best.params, recorded: scoresOf(best) };
  });
}

async function anchorOf({ store, spec, state }: OpenRun): Promise<Subject> {
  const pointer = await readPointer(store, spec.name);
  if (!pointer) throw new TrikdError('not-found', `run ${spec.name} has no anchor: no student was promoted yet`);
  const { generation, params } = pointer;
  const result = state.results.find((one) => one.generation === generation);
  const what = `anchor, the student of generation ${generation}`;
  return { what, role: 'student', blob: params, recorded: result ? scoresOf(result.student) : {} };
}

function resultOf({ spec, state }: OpenRun, role: TrainedRole): Subject {
  const best = bestGeneration(state.results, taskOf(spec).primary);
  const result = best === undefined ? undefined : state.results[best];
  if (!result) {
    throw new TrikdError('not-found', `run ${spec.name} has no result yet; \`latest\` is its newest checkpoint`);
  }
  const { generation } = result;
  return {
    what: `best params of generation ${generation}`,
    role,
    blob: result[role].params,
    recorded: scoresOf(result[role]),
  };
}

function scoresOf({
  validation,
  test,
}: {
  readonly validation: Score;
  readonly test?: Score | undefined;
}): Subject['recorded'] {
  return { validation, ...(test && { test }) };
}
