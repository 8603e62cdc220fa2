import { TrikdError } from '../domain/errors.js';
import { degenerate } from './promotion.js';
import { restarted, revived } from './restarted.js';
import {
  type AnchorMove,
  type GenerationResult,
  MOST_MOVES_BY_HAND,
  movesByHand,
  type Paused,
  type Preparing,
  type Promoting,
  type RunState,
} from './state.js';

/** What somebody has asked of a run. `at` is the time, for what the run remembers of it. */
export type Steering =
  /** The generation that waits is to begin. */
  | { readonly kind: 'triggered' }
  /** The run is to rest. */
  | { readonly kind: 'paused' }
  /** It is to go on. */
  | { readonly kind: 'resumed' }
  /** It is to end for good. */
  | { readonly kind: 'cancelled' }
  /** The student of an ended generation is to be the anchor, whatever the rule says. */
  | { readonly kind: 'promoted'; readonly to: number; readonly at?: string }
  /** The student of an earlier, promoted generation is to be the anchor again. */
  | { readonly kind: 'rolled-back'; readonly to: number; readonly at?: string };

/**
 * What a run becomes when somebody steers it.
 * @throws TrikdError `wrong-state` that says what can be asked of the run instead; `invalid` for a generation that can give no anchor
 */
export function steer(state: RunState, wish: Steering): RunState {
  switch (wish.kind) {
    case 'triggered':
      if (state.phase === 'waiting') return { ...state, phase: 'preparing' };
      break;
    case 'paused':
      if (state.phase === 'preparing' || state.phase === 'training' || state.phase === 'promoting') {
        return { ...resting(state), phase: 'paused' };
      }
      break;
    case 'resumed':
      if (state.phase === 'paused') return resumed(state);
      if (state.phase === 'failed') return revived(state);
      break;
    case 'cancelled':
      if (state.phase === 'completed' || state.phase === 'failed' || state.phase === 'cancelled') break;
      return { ...resting(state), phase: 'cancelled' };
    case 'promoted':
      return beside(state, overriding(state, wish.to), { by: 'override', ...wish });
    case 'rolled-back':
      return beside(state, promotedBefore(state, wish.to), { by: 'rollback', ...wish });
  }
  throw new TrikdError('wrong-state', `the run ${CANNOT[wish.kind]}: ${howItStands(state)}`, { phase: state.phase });
}

const CANNOT = {
  triggered: 'waits for no trigger',
  paused: 'cannot be paused',
  resumed: 'cannot be resumed',
  cancelled: 'cannot be cancelled',
} as const satisfies Partial<Record<Steering['kind'], string>>;

/** Where a run is, and what can be asked of it there. */
export function howItStands(state: RunState): string {
  const { generation } = state;
  switch (state.phase) {
    case 'preparing':
    case 'training':
    case 'promoting':
      return `it is ${state.phase} generation ${generation}; it can be paused or cancelled`;
    case 'waiting':
      return `it waits before generation ${generation}; it can be triggered or cancelled`;
    case 'paused':
      return `it rests in generation ${generation}; it can be resumed or cancelled`;
    case 'completed':
      return `it has completed after generation ${generation}; it can only be deleted`;
    case 'failed':
      return `it has failed in generation ${generation}; it can be resumed, unless it diverged, or deleted`;
    case 'cancelled':
      return `it was cancelled in generation ${generation}; it can only be deleted`;
  }
}

/** What stays of a run that is stopped, wherever that is. */
function resting(state: Exclude<RunState, { readonly phase: 'completed' | 'failed' }>): Omit<Paused, 'phase'> {
  const { phase: _, ...rest } = { ...restarted(state), attempt: state.attempt };
  const judging = state.phase === 'promoting' || state.phase === 'paused' ? state : undefined;
  const { outcome, anchorScores } = judging ?? {};
  return { ...rest, ...(outcome && { outcome, ...(anchorScores && { anchorScores }) }) };
}

/** A candidate is judged from where that was left; a generation is started anew from its last pair. */
function resumed(state: Paused): Preparing | Promoting {
  const { outcome, anchorScores, facts } = state;
  if (!outcome || !facts) return { ...restarted(state), losses: 0 };
  const { phase: _, attempt: _next, ...rest } = restarted(state);
  const judged = { facts, outcome, ...(anchorScores && { anchorScores }) };
  return { ...rest, ...judged, attempt: state.attempt, phase: 'promoting' };
}

function ended(state: RunState, generation: number): GenerationResult {
  const result = state.results[generation];
  if (result) return result;
  const known = state.results.length === 0 ? 'none has' : `only those up to ${state.results.length - 1} have`;
  throw new TrikdError('invalid', `generation ${generation} has not ended: ${known}`, { field: 'generation' });
}

/** Generations whose student was the anchor, by the rule or by somebody's wish. */
function promotedIn(state: RunState): readonly number[] {
  const byRule = state.results.filter(({ promoted }) => promoted).map(({ generation }) => generation);
  const byHand = state.moves.filter(({ by }) => by === 'override').map(({ to }) => to);
  return [...new Set([...byRule, ...byHand])].sort((a, b) => a - b);
}

function overriding(state: RunState, to: number): GenerationResult {
  const result = ended(state, to);
  if (promotedIn(state).includes(to)) {
    const message = `the student of generation ${to} was promoted before: roll back to it`;
    throw new TrikdError('invalid', message, { field: 'generation' });
  }
  const flaw = degenerate(result.student.validation, state.facts?.classes ?? 1);
  if (flaw === undefined) return result;
  throw new TrikdError('invalid', `the student of generation ${to} can be no anchor: ${flaw}`, { field: 'generation' });
}

function promotedBefore(state: RunState, to: number): GenerationResult {
  const promoted = promotedIn(state);
  const result = state.results[to];
  if (result && promoted.includes(to)) return result;
  const known = promoted.length > 0 ? `only those of ${promoted.join(', ')} were` : 'none was';
  throw new TrikdError('invalid', `the student of generation ${to} was not promoted: ${known}`, {
    field: 'generation',
  });
}

/**
 * The generation in hand begins again beside another anchor: what was learned beside the one before is not this generation's. A run that
 * rests or failed stays where it is. A run that is over keeps its results; the anchor that it leaves behind is the other one.
 */
function beside(
  state: RunState,
  { generation, student }: GenerationResult,
  { by, at }: Pick<AnchorMove, 'by'> & { readonly at?: string },
): RunState {
  if (movesByHand(state).length >= MOST_MOVES_BY_HAND) {
    const message = `the anchor of the run was moved by hand ${MOST_MOVES_BY_HAND} times, and a run remembers no more`;
    throw new TrikdError('wrong-state', message, { phase: state.phase });
  }
  const move: AnchorMove = { by, to: generation, during: state.generation, ...(at !== undefined && { at }) };
  const moves = [...state.moves, move];
  const anchor = { generation, params: student.params };
  if (state.phase === 'completed') return { ...state, moves };
  if (state.phase === 'cancelled' || state.phase === 'waiting') return { ...state, moves, anchor };
  const afresh = { ...restarted(state), moves, anchor, pairs: [], losses: 0 };
  if (state.phase === 'paused') return { ...afresh, attempt: state.attempt, phase: 'paused' };
  if (state.phase !== 'failed') return afresh;
  const { attempt, kind, reason } = state;
  return { ...afresh, attempt, phase: 'failed', kind, reason };
}
