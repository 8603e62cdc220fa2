import type { FailureKind } from '../domain/errors.js';
import { TrikdError } from '../domain/errors.js';
import type { AttemptNumerics } from '../domain/numerics.js';
import type { BestParams } from '../domain/role-checkpoint.js';
import type { RunSpec } from '../spec/run-spec.js';
import type { Stage } from '../stages/stage.js';
import { stageAt } from '../stages/stages-of.js';
import { taskOf } from '../tasks/task-of.js';
import { afterValidations, NOT_VALIDATED } from './convergence.js';
import { assertSameFacts, type Imported, withImported } from './current-stage.js';
import { displaced, placed, restarted, revived } from './placement.js';
import { promotes, runOver } from './promotion.js';
import {
  type Anchor,
  type AnchorMove,
  type Displacement,
  type Facts,
  type FrozenScores,
  LONGEST_REASON,
  MOST_PAIRS,
  type Outcome,
  type PairRef,
  type Preparing,
  type Promoting,
  type RunState,
  resumePair,
  type StageResult,
  shortened,
  type Training,
  type Validation,
} from './state.js';
import { steer } from './steer.js';
import { type Steering } from './verbs.js';

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
      /** Of the frozen models, by name. */
      readonly frozen?: Readonly<Record<string, FrozenScores>>;
      readonly numerics?: AttemptNumerics;
      /** Of the params that the stage has from outside of the run. */
      readonly imported?: Imported;
    }
  /** Both parts of a checkpoint and their manifest are in the store. */
  | {
      readonly kind: 'pair-committed';
      readonly pair: PairRef;
      /** Of the decisive learner, since the previous pair. */
      readonly validations: readonly Validation[];
    }
  /** All trainers have stopped at the end of the stage. */
  | { readonly kind: 'stage-trained'; readonly outcome: Outcome }
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
  /** Pairs of the current stage to keep, 1..MOST_PAIRS. */
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
 * The state of a run after an event. Neither (stage, attempt) nor the list of results ever goes back.
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
    case 'stage-trained':
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
      throw new TrikdError('wrong-state', `the run completed after stage ${state.stage}`);
    case 'cancelled':
      throw new TrikdError('wrong-state', `the run was cancelled in stage ${state.stage}`);
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

function assigned(state: Preparing, event: RunTransition & { kind: 'assigned' }): Training {
  const { facts, frozen, numerics } = event;
  assertSameFacts(state.facts ?? facts, facts, (name, started, found) => {
    return `the run started with ${name} ${started}, but the trainers now find ${found}`;
  });
  const imported = event.imported && withImported(state.imported, event.imported);
  return {
    ...{ ...state, phase: 'training', facts },
    ...(frozen && { frozen }),
    ...(numerics && { numerics }),
    ...(imported && { imported }),
  };
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
  const { minDelta } = stageAt(spec, state.stage, state.anchor !== undefined).convergence;
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
  const convergence = afterValidations(before, values, { better, minDelta });
  const pair = { ...event.pair, ...(convergence !== NOT_VALIDATED && { convergence }) };
  return { ...state, pairs: [...state.pairs, pair].slice(-clamp(1, keepPairs, MOST_PAIRS)), losses: 0 };
}

function clamp(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/** The candidate of a stage: its decisive learner, where the stage promotes. */
function candidateIn({ stage, anchor, outcome }: Promoting, { spec }: RunRules): BestParams | undefined {
  const { promotes: hasCandidate, decisive } = stageAt(spec, stage, anchor !== undefined);
  return hasCandidate ? outcome.learners[decisive]?.best : undefined;
}

/** Why the candidate of a stage cannot be promoted; undefined when it can, and where there is none. */
export function flawOf(state: Promoting, rules: RunRules): string | undefined {
  const candidate = candidateIn(state, rules);
  return candidate && taskOf(rules.spec).degenerate(candidate.validation, state.facts);
}

/** The next anchor, if the candidate of a stage becomes it. The last stage of a run promotes no student. */
export function promotion(state: Promoting, rules: RunRules): Anchor | undefined {
  const { stage, outcome, results, anchor, frozen } = state;
  const { spec } = rules;
  const { primary } = taskOf(spec);
  const candidate = candidateIn(state, rules);
  if (!candidate || flawOf(state, rules) !== undefined) return undefined;
  const present = anchorScoresIn(stageAt(spec, stage, anchor !== undefined), frozen);
  const rule = { promotion: spec.curriculum.promotion, primary };
  if (!promotes(rule, candidate.validation, present?.validation)) return undefined;
  return runOver([...results, outcome], spec) ? undefined : { stage, params: candidate.params };
}

/** Scores of the frozen model of a stage that was promoted. */
export function anchorScoresIn(stage: Stage, frozen: Promoting['frozen']): FrozenScores | undefined {
  const anchor = stage.frozen.find(({ from }) => from === 'promoted');
  return anchor && frozen?.[anchor.name];
}

/** A candidate that learned too little is a result like any other: it is not promoted, and the run goes on. */
function judged(state: Promoting, rules: RunRules, at: string | undefined): RunState {
  const { stage: stageIndex, attempt, outcome, frozen, anchor, facts, moves } = state;
  const imported = state.imported && { imported: state.imported };
  const { spec } = rules;
  const stage = stageAt(spec, stageIndex, anchor !== undefined);
  const result = (promoted: boolean): StageResult => ({
    stage: stageIndex,
    ...outcome,
    ...(frozen && { frozen }),
    ...(stage.promotes && { candidate: stage.decisive }),
    promoted,
  });
  const unpromoted = [...state.results, result(false)];
  if (runOver(unpromoted, spec)) {
    return { phase: 'completed', stage: stageIndex, attempt, results: unpromoted, moves, facts, ...imported };
  }
  const promoted = promotion(state, rules);
  const next = promoted ?? anchor;
  const move: AnchorMove = { by: 'rule', to: stageIndex, during: stageIndex, ...(at !== undefined && { at }) };
  return {
    phase: spec.curriculum.advance === 'manual' ? 'waiting' : 'preparing',
    stage: stageIndex + 1,
    attempt: 1,
    results: [...state.results, result(promoted !== undefined)],
    moves: promoted ? [...moves, move] : moves,
    pairs: [],
    losses: 0,
    facts: factsOf(stageAt(spec, stageIndex + 1, next !== undefined), facts),
    ...(next && { anchor: next }),
    ...imported,
  };
}

/** Stages differ in their length alone. */
function factsOf({ epochs }: Stage, facts: Facts): Facts {
  return { ...facts, totalSteps: epochs * facts.stepsPerEpoch };
}
