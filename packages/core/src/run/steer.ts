import { TrikdError } from '../domain/errors.js';
import { stageText } from '../stages/stage-text.js';
import type { Task } from '../tasks/task.js';
import { restarted, revived, unjudged } from './placement.js';
import {
  type Anchor,
  type AnchorMove,
  candidateOf,
  MOST_MOVES_BY_HAND,
  movesByHand,
  type Paused,
  type Queued,
  type RunState,
  type StageResult,
} from './state.js';
import type { Steering } from './verbs.js';
import { verbsOf } from './verbs.js';

/**
 * The state of a run after a request.
 * @throws TrikdError `wrong-state` that names what is possible instead; `invalid` for a generation whose student cannot be the anchor
 */
export function steer(state: RunState, request: Steering, task: Task): RunState {
  if (!verbsOf(state.phase).includes(request.kind)) throw refused(state, request);
  switch (request.kind) {
    case 'triggered':
      if (state.phase === 'waiting') return { ...state, phase: 'queued' };
      break;
    case 'paused':
      if (state.phase !== 'completed' && state.phase !== 'failed') return { ...resting(state), phase: 'paused' };
      break;
    case 'resumed':
      if (state.phase === 'paused') return resumed(state);
      if (state.phase === 'failed') return revived(state);
      break;
    case 'cancelled':
      if (state.phase !== 'completed' && state.phase !== 'failed') return { ...resting(state), phase: 'cancelled' };
      break;
    case 'promoted':
      return withAnchor(state, overriding(state, request.to, task), { by: 'override', ...request });
    case 'rolled-back':
      return withAnchor(state, promotedBefore(state, request.to), { by: 'rollback', ...request });
  }
  throw refused(state, request);
}

function refused(state: RunState, { kind }: Steering): TrikdError {
  return new TrikdError('wrong-state', `the run cannot be ${kind}: ${howItStands(state)}`, { phase: state.phase });
}

/**
 * Where a run stands, and what is possible there besides moving its anchor.
 * @param stage name of its stage, where it is known
 */
export function howItStands(state: RunState, stage?: string): string {
  const verbs = verbsOf(state.phase, state.phase === 'failed' ? state.kind : undefined)
    .filter((verb) => verb !== 'promoted' && verb !== 'rolled-back')
    .join(' or ');
  return `it ${standing(state, stageText(stage, state.stage))}; it can be ${verbs}`;
}

function standing({ phase }: RunState, stage: string): string {
  switch (phase) {
    case 'preparing':
    case 'training':
    case 'promoting':
      return `is ${phase} ${stage}`;
    case 'queued':
      return `waits for a trio to train ${stage}`;
    case 'waiting':
      return `waits for a trigger before ${stage}`;
    case 'paused':
      return `is paused in ${stage}`;
    case 'completed':
      return `completed after ${stage}`;
    case 'failed':
      return `failed in ${stage}`;
    case 'cancelled':
      return `was cancelled in ${stage}`;
  }
}

/** What a stopped run keeps. */
function resting(state: Exclude<RunState, { readonly phase: 'completed' | 'failed' }>): Omit<Paused, 'phase'> {
  const { phase: _, ...rest } = { ...restarted(state), attempt: state.attempt };
  return { ...rest, ...unjudged(state) };
}

/** A candidate that was being judged is judged; otherwise the stage continues from its last pair. */
function resumed(state: Paused): Queued {
  if (!state.outcome || !state.facts) return { ...restarted(state), phase: 'queued', losses: 0 };
  return { ...restarted(state), phase: 'queued', attempt: state.attempt, ...unjudged(state) };
}

function ended(state: RunState, stage: number): StageResult {
  const result = state.results[stage];
  if (result) return result;
  const known = state.results.length === 0 ? 'none has' : `only stages up to ${state.results.length - 1} have`;
  throw new TrikdError('invalid', `stage ${stage} has not ended: ${known}`, { field: 'stage' });
}

/** Generations whose student was the anchor at some time, by the rule or by hand. */
function promotedIn(state: RunState): readonly number[] {
  const byRule = state.results.filter(({ promoted }) => promoted).map(({ stage }) => stage);
  const byHand = state.moves.filter(({ by }) => by === 'override').map(({ to }) => to);
  return [...new Set([...byRule, ...byHand])].sort((a, b) => a - b);
}

function overriding(state: RunState, to: number, task: Task): Anchor {
  const result = ended(state, to);
  if (promotedIn(state).includes(to)) {
    const message = `the student of generation ${to} was promoted before: roll back to it instead`;
    throw new TrikdError('invalid', message, { field: 'stage' });
  }
  const best = candidateOf(result);
  const flaw = best ? task.degenerate(best.validation, state.facts ?? { classes: 1 }) : 'its stage trains no candidate';
  if (best && flaw === undefined) return { stage: to, params: best.params };
  throw new TrikdError('invalid', `the student of generation ${to} cannot be the anchor: ${flaw}`, {
    field: 'stage',
  });
}

function promotedBefore(state: RunState, to: number): Anchor {
  const promoted = promotedIn(state);
  const result = state.results[to];
  const best = result && candidateOf(result);
  if (best && promoted.includes(to)) return { stage: to, params: best.params };
  const known = promoted.length > 0 ? `only those of ${promoted.join(', ')} were` : 'none was';
  throw new TrikdError('invalid', `the student of generation ${to} was not promoted: ${known}`, {
    field: 'stage',
  });
}

/**
 * The current generation starts again with another anchor: what was learned with the previous anchor does not belong to it. A queued,
 * paused or failed run stays so. A run that is over keeps its results; only the anchor that it leaves behind changes.
 */
function withAnchor(
  state: RunState,
  anchor: Anchor,
  { by, at }: Pick<AnchorMove, 'by'> & { readonly at?: string },
): RunState {
  if (movesByHand(state).length >= MOST_MOVES_BY_HAND) {
    const message = `the anchor of the run was moved by hand ${MOST_MOVES_BY_HAND} times, and a run remembers no more`;
    throw new TrikdError('wrong-state', message, { phase: state.phase });
  }
  const move: AnchorMove = { by, to: anchor.stage, during: state.stage, ...(at !== undefined && { at }) };
  const moves = [...state.moves, move];
  if (state.phase === 'completed') return { ...state, moves };
  if (state.phase === 'cancelled' || state.phase === 'waiting') return { ...state, moves, anchor };
  const restart = { ...restarted(state), moves, anchor, pairs: [], losses: 0 };
  if (state.phase === 'paused') return { ...restart, attempt: state.attempt, phase: 'paused' };
  // No process has had the attempt of a queued run.
  if (state.phase === 'queued') {
    const { attempt, displaced } = state;
    return { ...restart, attempt, phase: 'queued', ...(displaced && { displaced }) };
  }
  if (state.phase !== 'failed') return restart;
  const { attempt, kind, reason } = state;
  return { ...restart, attempt, phase: 'failed', kind, reason };
}
