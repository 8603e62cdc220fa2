import { TrikdError } from '../errors.js';
import type { RunSpec } from '../spec.js';
import { curriculumOver, degenerate, promotes } from './promotion.js';
import {
  type Anchor,
  type AnchorScores,
  type Facts,
  type FailureKind,
  type GenerationResult,
  type Outcome,
  type PairRef,
  type Preparing,
  type Promoting,
  type RunState,
  resumePair,
  type Training,
  type Validation,
} from './state.js';

/** Something that happened to a run. */
export type RunEvent =
  /** An orchestrator starts to drive a run that another one, or an earlier life of it, left. */
  | { readonly kind: 'taken-over' }
  /** The anchor serves and both trainers have taken their assignments. */
  | {
      readonly kind: 'assigned';
      readonly facts: Facts;
      readonly anchorScores?: AnchorScores;
    }
  /** Both parts of a checkpoint and their manifest are in the store. */
  | {
      readonly kind: 'pair-committed';
      readonly pair: PairRef;
      /** Of the student, since the pair before. */
      readonly validations: readonly Validation[];
    }
  /** Both trainers rest at the end of the generation. */
  | { readonly kind: 'generation-trained'; readonly outcome: Outcome }
  /** The candidate's params were read back as they were written. */
  | { readonly kind: 'candidate-verified' }
  /** Somebody wants the student of an earlier generation to be the anchor again. */
  | { readonly kind: 'rolled-back'; readonly to: number }
  /** The duty in hand could not be done. */
  | {
      readonly kind: 'attempt-lost';
      readonly error: FailureKind;
      readonly message: string;
      /** Step of the pair that is to blame; absent for anything else. */
      readonly pair?: number;
    };

/** What the decisions depend on besides the state: the same for the whole run. */
export interface RunRules {
  readonly spec: RunSpec;
  /** Attempts that may be lost in a row, without a pair committed between them, before the run fails. */
  readonly retries: number;
  /** Checkpoints of the generation in hand to keep; at least 1. */
  readonly keepPairs: number;
}

/** What is to be done next: the phase itself, when it demands something. Follows from the state alone. */
export type Duty = Preparing | Training | Promoting;

/** The duty of a state; undefined when the run has ended. */
export function duty(state: RunState): Duty | undefined {
  return state.phase === 'completed' || state.phase === 'failed' ? undefined : state;
}

/**
 * What a run becomes when something has happened. Neither (generation, attempt) nor the list of results ever goes back.
 * @throws TrikdError `wrong-state` when the event does not belong to the phase
 */
export function advance(state: RunState, event: RunEvent, rules: RunRules): RunState {
  switch (event.kind) {
    case 'taken-over':
      return takenOver(state);
    case 'attempt-lost':
      if (state.phase === 'completed' || state.phase === 'failed') break;
      return attemptLost(state, event, rules);
    case 'assigned':
      if (state.phase !== 'preparing') break;
      return assigned(state, event);
    case 'pair-committed':
      if (state.phase !== 'training') break;
      return pairCommitted(state, event, rules);
    case 'generation-trained':
      if (state.phase !== 'training') break;
      return { ...state, phase: 'promoting', outcome: event.outcome };
    case 'candidate-verified':
      if (state.phase !== 'promoting') break;
      return judged(state, rules);
    case 'rolled-back':
      return rolledBack(state, event.to);
  }
  throw new TrikdError('wrong-state', `${event.kind} is not expected while the run is ${state.phase}`);
}

function takenOver(state: RunState): RunState {
  switch (state.phase) {
    case 'preparing':
    case 'training':
      return { ...restarted(state), losses: 0 };
    case 'promoting':
      return state;
    case 'completed':
      throw new TrikdError('wrong-state', `the run has completed after generation ${state.generation}`);
    case 'failed':
      if (canContinue(state.kind)) return { ...restarted(state), losses: 0 };
      throw new TrikdError(
        'wrong-state',
        `the run failed in generation ${state.generation} and would fail again: ${state.reason}; ` +
          'change its spec (a lower learningRate, longer warmupSteps, a smaller clipNorm) and start it anew',
      );
  }
}

/** A run that diverged would diverge again, bit for bit. Every other cause can have gone away. */
function canContinue(kind: FailureKind): boolean {
  return kind !== 'diverged';
}

/** The next start of the same generation, from its last committed pair. */
function restarted(state: Exclude<RunState, { phase: 'completed' }>): Preparing {
  const { generation, attempt, results, rollbacks, pairs, validations, losses, anchor, facts } = state;
  return {
    phase: 'preparing',
    generation,
    attempt: attempt + 1,
    results,
    rollbacks,
    pairs,
    validations,
    losses,
    ...(anchor && { anchor }),
    ...(facts && { facts }),
  };
}

function attemptLost(state: Duty, event: RunEvent & { kind: 'attempt-lost' }, rules: RunRules): RunState {
  const losses = state.losses + 1;
  const next: Preparing = { ...restarted(state), losses };
  const retried = losses <= rules.retries;
  switch (event.error) {
    case 'unavailable':
    case 'out-of-step':
      if (retried && state.phase === 'promoting') return { ...state, losses };
      if (retried) return next;
      break;
    case 'corrupt':
      if (!retried) break;
      // The pair that could not be read is given up for the one before it. Of other damage no pair is to blame, and none is given up.
      if (state.phase === 'promoting' || event.pair === undefined) return next;
      return event.pair === resumePair(state)?.step ? withoutLastPair(next) : next;
    case 'invalid':
    case 'not-found':
    case 'wrong-state':
    case 'diverged':
    case 'internal':
      break;
  }
  const row = losses > Math.max(1, rules.retries) ? ` (${losses} attempts in a row)` : '';
  return {
    ...restarted(state),
    attempt: state.attempt,
    phase: 'failed',
    kind: event.error,
    reason: event.message + row,
  };
}

function withoutLastPair(state: Preparing): Preparing {
  const pairs = state.pairs.slice(0, -1);
  const step = pairs.at(-1)?.step ?? 0;
  return { ...state, pairs, validations: state.validations.filter((validation) => validation.step <= step) };
}

function assigned(state: Preparing, { facts, anchorScores }: RunEvent & { kind: 'assigned' }): Training {
  const known: Facts = state.facts ?? facts;
  for (const name of ['datasetDigest', 'classes', 'totalSteps', 'stepsPerEpoch'] as const) {
    if (known[name] !== facts[name]) {
      throw new TrikdError(
        'invalid',
        `the run began with ${name} ${known[name]}, the trainers now find ${facts[name]}`,
      );
    }
  }
  return { ...state, phase: 'training', facts, ...(anchorScores && { anchorScores }) };
}

function pairCommitted(
  state: Training,
  event: RunEvent & { kind: 'pair-committed' },
  { keepPairs }: RunRules,
): Training {
  const last = state.pairs.at(-1)?.step ?? 0;
  if (event.pair.step <= last) {
    throw new TrikdError('out-of-step', `pair of step ${event.pair.step} comes after the pair of step ${last}`);
  }
  return {
    ...state,
    pairs: [...state.pairs, event.pair].slice(-Math.max(1, keepPairs)),
    validations: [...state.validations, ...event.validations],
    losses: 0,
  };
}

/** Whether the candidate of a generation becomes the next anchor. The last generation of a curriculum promotes nobody. */
export function promotion(
  { generation, outcome, anchorScores, facts, results }: Promoting,
  { spec }: RunRules,
): Anchor | undefined {
  const { validation, params } = outcome.student;
  if (degenerate(validation, facts.classes) !== undefined) return undefined;
  if (!promotes(spec.curriculum.promotion, validation, anchorScores?.validation)) return undefined;
  return curriculumOver([...results, outcome], spec.curriculum) ? undefined : { generation, params };
}

function judged(state: Promoting, rules: RunRules): RunState {
  const { generation, attempt, outcome, anchorScores, anchor, facts, rollbacks } = state;
  const flaw = degenerate(outcome.student.validation, facts.classes);
  const result = (promoted: boolean): GenerationResult => ({
    generation,
    ...outcome,
    ...(anchorScores && { anchorScores }),
    promoted,
  });
  if (flaw !== undefined && anchor === undefined) {
    const reason = `the student of generation ${generation} can be no anchor: ${flaw}`;
    return { ...restarted(state), attempt, phase: 'failed', kind: 'diverged', reason };
  }
  const unpromoted = [...state.results, result(false)];
  if (curriculumOver(unpromoted, rules.spec.curriculum)) {
    return { phase: 'completed', generation, attempt, results: unpromoted, rollbacks, facts };
  }
  const promoted = promotion(state, rules);
  const next = promoted ?? anchor;
  return {
    phase: 'preparing',
    generation: generation + 1,
    attempt: 1,
    results: [...state.results, result(promoted !== undefined)],
    rollbacks,
    pairs: [],
    validations: [],
    losses: 0,
    facts,
    ...(next && { anchor: next }),
  };
}

/**
 * The generation in hand begins again beside the earlier anchor: what was learned beside the other is not this generation's. A run
 * that is over keeps its results; the anchor that it leaves behind is the earlier one.
 */
function rolledBack(state: RunState, to: number): RunState {
  const result = state.results[to];
  if (!result?.promoted) {
    const promoted = state.results.filter((each) => each.promoted).map(({ generation }) => generation);
    const known = promoted.length > 0 ? `only those of ${promoted.join(', ')} were` : 'none was';
    throw new TrikdError('invalid', `the student of generation ${to} was not promoted: ${known}`);
  }
  const rollbacks = [...state.rollbacks, { during: state.generation, to }];
  if (state.phase === 'completed') return { ...state, rollbacks };
  const anchor = { generation: to, params: result.student.params };
  const afresh = { ...restarted(state), rollbacks, anchor, pairs: [], validations: [], losses: 0 };
  if (state.phase !== 'failed') return afresh;
  const { attempt, kind, reason } = state;
  return { ...afresh, attempt, phase: 'failed', kind, reason };
}
