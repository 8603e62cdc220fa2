import type { FailureKind } from '../domain/errors.js';
import { TrikdError } from '../domain/errors.js';
import type { AttemptNumerics } from '../domain/numerics.js';
import type { RunSpec } from '../spec/run-spec.js';
import { taskOf } from '../tasks/task-of.js';
import { afterValidations, NOT_VALIDATED } from './convergence.js';
import { assertSameFacts } from './facts.js';
import { displaced, placed } from './placing.js';
import { curriculumOver, promotes } from './promotion.js';
import { restarted, revived } from './restarted.js';
import { shortened } from './shortened.js';
import {
  type Anchor,
  type AnchorMove,
  type AnchorScores,
  type Displacement,
  type Facts,
  type GenerationResult,
  LONGEST_REASON,
  MOST_PAIRS,
  type Outcome,
  type PairRef,
  type Preparing,
  type Promoting,
  type RunState,
  resumePair,
  type Training,
  type Validation,
} from './state.js';
import { steer } from './steer.js';
import { type Steering } from './steering.js';

/** An event in the life of a run. */
export type RunTransition =
  /** An orchestrator takes the run over from another one, or from an earlier process of its own. */
  | { readonly kind: 'taken-over' }
  /** The run has a trio. */
  | { readonly kind: 'placed' }
  /** The run lost its trio, through no fault of its own; without a reason: the trio is not known. */
  | { readonly kind: 'displaced'; readonly by?: Displacement }
  /** The anchor serves, and both trainers have accepted their assignments. */
  | {
      readonly kind: 'assigned';
      readonly facts: Facts;
      readonly anchorScores?: AnchorScores;
      readonly numerics?: AttemptNumerics;
    }
  /** Both parts of a checkpoint and their manifest are in the store. */
  | {
      readonly kind: 'pair-committed';
      readonly pair: PairRef;
      /** Of the student, since the previous pair. */
      readonly validations: readonly Validation[];
    }
  /** Both trainers have stopped at the end of the generation. */
  | { readonly kind: 'generation-trained'; readonly outcome: Outcome }
  /** The candidate's params were read back and are as they were written. */
  | { readonly kind: 'candidate-verified'; readonly at?: string }
  /** The current duty failed. */
  | {
      readonly kind: 'attempt-lost';
      readonly error: FailureKind;
      readonly message: string;
      /** Step of the damaged pair; absent when no pair is damaged. */
      readonly pair?: number;
    }
  /** A request to steer the run. */
  | Steering;

/** What decisions depend on besides the state. It is constant for the whole run. */
export interface RunRules {
  readonly spec: RunSpec;
  /** Attempts in a row that may be lost without a committed pair between them before the run fails. */
  readonly retries: number;
  /** Pairs of the current generation to keep, 1..MOST_PAIRS. */
  readonly keepPairs: number;
}

/** The next piece of work, which follows from the state alone: the phase itself, where it requires work. */
export type Duty = Preparing | Training | Promoting;

/** The duty of a state; undefined when the run has ended, or waits for a trio or a request. */
export function duty(state: RunState): Duty | undefined {
  switch (state.phase) {
    case 'preparing':
    case 'training':
    case 'promoting':
      return state;
    case 'queued':
    case 'waiting':
    case 'paused':
    case 'completed':
    case 'failed':
    case 'cancelled':
      return undefined;
  }
}

/**
 * The state of a run after an event. Neither (generation, attempt) nor the list of results ever goes back.
 * @throws TrikdError `wrong-state` when the event is not possible in the phase
 */
export function advance(state: RunState, event: RunTransition, rules: RunRules): RunState {
  switch (event.kind) {
    case 'taken-over':
      return takenOver(state);
    case 'placed':
      if (state.phase !== 'queued') break;
      return placed(state);
    case 'displaced': {
      const holding = duty(state);
      if (!holding) break;
      return displaced(holding, event.by);
    }
    case 'attempt-lost': {
      const lost = duty(state);
      if (!lost) break;
      return attemptLost(lost, event, rules);
    }
    case 'assigned':
      if (state.phase !== 'preparing') break;
      return assigned(state, event);
    case 'pair-committed':
      if (state.phase !== 'training') break;
      return pairCommitted(state, event, rules);
    case 'generation-trained':
      if (state.phase !== 'training') break;
      return trained(state, event.outcome);
    case 'candidate-verified':
      if (state.phase !== 'promoting') break;
      return judged(state, rules, event.at);
    case 'triggered':
    case 'paused':
    case 'resumed':
    case 'cancelled':
    case 'promoted':
    case 'rolled-back':
      return steer(state, event, taskOf(rules.spec));
  }
  throw new TrikdError('wrong-state', `${event.kind} is not expected while the run is ${state.phase}`);
}

function takenOver(state: RunState): RunState {
  switch (state.phase) {
    case 'preparing':
    case 'training':
      return { ...restarted(state), losses: 0 };
    case 'queued':
    case 'promoting':
    case 'waiting':
    case 'paused':
      return state;
    case 'completed':
      throw new TrikdError('wrong-state', `the run completed after generation ${state.generation}`);
    case 'cancelled':
      throw new TrikdError('wrong-state', `the run was cancelled in generation ${state.generation}`);
    case 'failed':
      return revived(state);
  }
}

function attemptLost(state: Duty, event: RunTransition & { kind: 'attempt-lost' }, rules: RunRules): RunState {
  const losses = state.losses + 1;
  const next: Preparing = { ...restarted(state), losses };
  const retried = losses <= rules.retries;
  switch (event.error) {
    case 'unavailable':
    case 'out-of-step':
    case 'exhausted':
      if (retried && state.phase === 'promoting') return { ...state, losses };
      if (retried) return next;
      break;
    case 'corrupt':
      if (!retried) break;
      // A damaged pair is dropped in favour of the previous one. Damage elsewhere costs no pair.
      if (state.phase === 'promoting' || event.pair === undefined) return next;
      return event.pair === resumePair(state)?.step ? withoutLastPair(next) : next;
    case 'invalid':
    case 'not-found':
    case 'wrong-state':
    case 'diverged':
    case 'unauthenticated':
    case 'forbidden':
    case 'internal':
      break;
  }
  const row = losses > Math.max(1, rules.retries) ? ` (${losses} attempts in a row)` : '';
  return {
    ...restarted(state),
    attempt: state.attempt,
    phase: 'failed',
    kind: event.error,
    reason: shortened(event.message, LONGEST_REASON - row.length) + row,
  };
}

function withoutLastPair(state: Preparing): Preparing {
  return { ...state, pairs: state.pairs.slice(0, -1) };
}

function assigned(state: Preparing, { facts, anchorScores, numerics }: RunTransition & { kind: 'assigned' }): Training {
  assertSameFacts(state.facts ?? facts, facts, (name, started, found) => {
    return `the run started with ${name} ${started}, but the trainers now find ${found}`;
  });
  return { ...state, phase: 'training', facts, ...(anchorScores && { anchorScores }), ...(numerics && { numerics }) };
}

/** The pair of the last step has the numerics. */
function trained({ numerics: _, ...state }: Training, outcome: Outcome): Promoting {
  return { ...state, phase: 'promoting', outcome };
}

function pairCommitted(
  state: Training,
  event: RunTransition & { kind: 'pair-committed' },
  { keepPairs, spec }: RunRules,
): Training {
  const last = resumePair(state);
  if (event.pair.step <= (last?.step ?? 0)) {
    throw new TrikdError(
      'out-of-step',
      `the pair of step ${event.pair.step} is not newer than the pair of step ${last?.step ?? 0}`,
    );
  }
  const values = event.validations.map(({ value }) => value);
  const before = last?.convergence ?? NOT_VALIDATED;
  const { better } = taskOf(spec).primary;
  const convergence = afterValidations(before, values, { better, minDelta: spec.convergence.minDelta });
  const pair = { ...event.pair, ...(convergence !== NOT_VALIDATED && { convergence }) };
  return { ...state, pairs: [...state.pairs, pair].slice(-clamp(1, keepPairs, MOST_PAIRS)), losses: 0 };
}

function clamp(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/** Why the candidate of a generation cannot be the anchor; undefined when it can. */
export function flawOf({ outcome, facts }: Promoting, { spec }: RunRules): string | undefined {
  return taskOf(spec).degenerate(outcome.student.validation, facts);
}

/** The next anchor, if the candidate of a generation becomes it. The last generation of a curriculum promotes no student. */
export function promotion(candidate: Promoting, rules: RunRules): Anchor | undefined {
  const { generation, outcome, anchorScores, results } = candidate;
  const { curriculum } = rules.spec;
  const { primary } = taskOf(rules.spec);
  const { validation, params } = outcome.student;
  if (flawOf(candidate, rules) !== undefined) return undefined;
  if (!promotes({ promotion: curriculum.promotion, primary }, validation, anchorScores?.validation)) return undefined;
  return curriculumOver([...results, outcome], curriculum, primary) ? undefined : { generation, params };
}

/** A candidate that learned too little is a result like any other: it is not promoted, and the run goes on. */
function judged(state: Promoting, rules: RunRules, at: string | undefined): RunState {
  const { generation, attempt, outcome, anchorScores, anchor, facts, moves } = state;
  const result = (promoted: boolean): GenerationResult => ({
    generation,
    ...outcome,
    ...(anchorScores && { anchorScores }),
    promoted,
  });
  const unpromoted = [...state.results, result(false)];
  if (curriculumOver(unpromoted, rules.spec.curriculum, taskOf(rules.spec).primary)) {
    return { phase: 'completed', generation, attempt, results: unpromoted, moves, facts };
  }
  const promoted = promotion(state, rules);
  const next = promoted ?? anchor;
  const move: AnchorMove = { by: 'rule', to: generation, during: generation, ...(at !== undefined && { at }) };
  return {
    phase: rules.spec.curriculum.advance === 'manual' ? 'waiting' : 'preparing',
    generation: generation + 1,
    attempt: 1,
    results: [...state.results, result(promoted !== undefined)],
    moves: promoted ? [...moves, move] : moves,
    pairs: [],
    losses: 0,
    facts,
    ...(next && { anchor: next }),
  };
}
