import type { RunSpec } from '../spec/run-spec.js';
import type { Stage } from '../stages/stage.js';
import { stagesOf } from '../stages/stages-of.js';
import { anchorScoresIn, duty } from './advance.js';
import { currentStage } from './current-stage.js';
import { progressAt, stallSentence } from './pace.js';
import type { Owner, Placement } from './placement.js';
import { bestStage } from './promotion.js';
import type { QueueWait, Wait } from './queue.js';
import {
  type Condition,
  PHASE_CONDITIONS,
  type PhaseChanged,
  type PhaseCondition,
  type RoleEvaluated,
  type RoleProgressed,
  type RunEvent,
  type RunProgress,
  type RunTimes,
  type Stall,
} from './run-event.js';
import { type RunState, resumePair } from './state.js';
import { howItStands } from './steer.js';

/** A run, with what is known of it here. */
export interface RunView {
  readonly spec: RunSpec;
  readonly state: RunState;
  readonly times: RunTimes;
  readonly owner?: Owner;
  readonly placement: Placement;
  /** What only the orchestrator knows that drives it; absent elsewhere. */
  readonly live?: LiveView;
  /** Its place in the queue, or what its trio waits for while it is not driven, where that is known: at the leader. */
  readonly queued?: QueueWait | Wait;
}

/** What is known of a run that is driven here, and is not stored. */
export interface LiveView {
  readonly stalls: readonly Stall[];
  /** When a stall began or the last one ended, as ISO 8601; absent: there was none. */
  readonly stalledAt?: string;
  /** The newest of each learner in the current stage, by name. */
  readonly progress: Readonly<Record<string, RoleProgressed>>;
  readonly evaluations: Readonly<Record<string, RoleEvaluated>>;
}

const TYPES = ['Queued', 'Training', 'Waiting', 'Paused', 'Completed', 'Failed', 'Cancelled'] as const;

/** All conditions of a run, each type once. */
export function conditionsOf(view: RunView): readonly Condition[] {
  const phases = TYPES.map((type) => phaseCondition(type, view));
  // After the phases of a run that goes on, before those of a run that has ended.
  return [...phases.slice(0, 4), stalled(view), ...phases.slice(4)];
}

function phaseCondition(type: PhaseCondition, { spec, state, times, queued }: RunView): Condition {
  const holds = state.phase === PHASE_CONDITIONS[type];
  const since = times.changed[type] ?? times.created;
  const budget = state.results.length >= stagesOf(spec).length;
  const reason = holds ? reasonOf(state, budget, queued) : camel(state.phase);
  const where = howItStands(state, stageName(spec, state));
  const message = holds ? messageOf(state, where, queued) : where;
  return { type, holds, reason, message, ...(since !== undefined && { since }) };
}

/** Why the condition of a phase holds. */
function reasonOf(state: RunState, budgetUsed: boolean, queued: RunView['queued']): string {
  switch (state.phase) {
    case 'queued':
      return state.displaced && !isBeingPlaced(queued)
        ? camel(state.displaced.why)
        : (queued?.reason ?? 'WaitingForTrio');
    case 'preparing':
    case 'promoting':
      return camel(state.phase);
    case 'training':
      return 'TrainersLearn';
    case 'waiting':
      return 'AwaitsTrigger';
    case 'paused':
      return 'PausedOnRequest';
    case 'completed':
      return budgetUsed ? 'BudgetUsed' : 'NoFurtherGain';
    case 'failed':
      return camel(state.kind);
    case 'cancelled':
      return 'CancelledOnRequest';
  }
}

function stageName(spec: RunView['spec'], { stage }: RunState): string | undefined {
  return stagesOf(spec)[stage]?.name;
}

/** Whether a run has left the queue, and waits for the trio that is made for it. */
function isBeingPlaced(queued: RunView['queued']): boolean {
  return queued !== undefined && !('position' in queued);
}

/** @param where the sentence that says where the run stands */
function messageOf(state: RunState, where: string, queued: RunView['queued']): string {
  if (state.phase === 'failed') return state.reason;
  if (state.phase !== 'queued') return where;
  const waits = queued?.message ?? where;
  return state.displaced ? `${state.displaced.message}; ${waits}` : waits;
}

/** Whether a run waits. A run that rests or has ended waits for nothing. */
export function stalled({ spec, state, live, queued }: RunView): Condition {
  const type = 'Stalled' as const;
  if (!duty(state))
    return { type, holds: false, reason: camel(state.phase), message: howItStands(state, stageName(spec, state)) };
  const since = live?.stalledAt === undefined ? {} : { since: live.stalledAt };
  const [stall] = live?.stalls ?? [];
  if (stall) {
    return { type, holds: true, reason: `${camel(stall.on)}Away`, message: stallSentence(stall), ...since };
  }
  if (live) return { type, holds: false, reason: 'GoesOn', message: 'the run does not wait for anything', ...since };
  // Its trio has lost a service while no orchestrator led.
  if (queued) return { type, holds: true, reason: queued.reason, message: queued.message };
  const message = 'this orchestrator does not drive the run, and does not know whether it is stalled';
  return { type, holds: 'unknown', reason: 'NotDrivenHere', message };
}

/** `out-of-step` as OutOfStep. */
function camel(words: string): string {
  return words.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** How far a run is in its curriculum, and the newest of each role in its current attempt. */
export interface ProgressOfRoles extends RunProgress {
  readonly roles: readonly RoleProgressed[];
  readonly evaluations: readonly RoleEvaluated[];
}

/**
 * How far a run is, from what is stored and, while it trains, from what its trainers report. A run that has completed is at 100
 * percent, however few stages it took.
 */
export function progressOf({ spec, state, ...view }: RunView): ProgressOfRoles {
  const live = duty(state) && view.live;
  const ended = state.results.reduce((sum, { steps }) => sum + steps, 0);
  const roles = Object.values(live?.progress ?? {});
  const trains = state.phase === 'training' && roles.length === currentStage(spec, state).learners.length;
  // What was trained after the last pair is lost when an attempt ends: it counts only while the attempt lasts.
  const trained = trains ? Math.min(...roles.map(({ progress }) => progress.nextStep)) : 0;
  const stepsPerEpoch = state.facts?.stepsPerEpoch ?? 0;
  const ahead = stagesOf(spec)
    .slice(state.results.length)
    .reduce((sum, { epochs }) => sum + epochs * stepsPerEpoch, 0);
  return {
    ...progressAt({
      stepsDone: ended + Math.max(trained, stepsKept(state)),
      stepsTotal: state.phase === 'completed' ? ended : ended + ahead,
      stepsPerSecond: trains ? Math.min(...roles.map(({ progress }) => progress.stepsPerSecond)) : 0,
    }),
    roles,
    evaluations: Object.values(live?.evaluations ?? {}),
  };
}

/** Steps of the current stage that are stored. */
function stepsKept(state: RunView['state']): number {
  if ('outcome' in state && state.outcome) return state.outcome.steps;
  return 'pairs' in state ? (resumePair(state)?.step ?? 0) : 0;
}

/** The events of a run whose state was replaced; the phase comes last. @param before the state that it had */
export function changesSince(before: RunState, view: RunView): readonly RunEvent[] {
  const { results, moves } = view.state;
  return [
    ...results.slice(before.results.length).map((result) => {
      const stageName = stagesOf(view.spec)[result.stage]?.name ?? '';
      return { kind: 'stage-ended', result, stageName } as const;
    }),
    ...moves.slice(before.moves.length).map((move) => ({ kind: 'anchor-moved', move }) as const),
    phaseChanged(view),
  ];
}

/**
 * The events of a run that an orchestrator begins to drive. The last result and the last move of the anchor are repeated: the
 * orchestrator before may have stored them and died before it emitted them.
 */
export function changesOnStart(view: RunView): readonly RunEvent[] {
  const { state } = view;
  return changesSince({ ...state, results: state.results.slice(0, -1), moves: state.moves.slice(0, -1) }, view);
}

/** What a run says of its phase. */
export function phaseChanged(view: RunView): PhaseChanged {
  const { state, times, placement, queued } = view;
  const { roles: _, evaluations: _e, ...progress } = progressOf(view);
  const best = bestStage(state.results, view.spec);
  const stage = currentStage(view.spec, state);
  const anchor = anchorOf(stage, state);
  return {
    kind: 'phase-changed',
    phase: state.phase,
    stage: state.stage,
    currentStage: namesIn(stage),
    attempt: state.attempt,
    ...(state.phase === 'failed' && { failure: { kind: state.kind, message: state.reason } }),
    ...(best !== undefined && { bestStage: best }),
    ...(anchor && { anchor }),
    conditions: conditionsOf(view),
    progress,
    ...(times.updated !== undefined && { updated: times.updated }),
    ...(times.ended !== undefined && { ended: times.ended }),
    placement,
    ...(queued && 'position' in queued && { waiting: queued }),
    ...(state.phase === 'training' && state.numerics && { numerics: state.numerics }),
  };
}

function namesIn({ name, learners, frozen, decisive }: Stage): PhaseChanged['currentStage'] {
  return { name, learners: learners.map((each) => each.name), frozen: frozen.map((each) => each.name), decisive };
}

function anchorOf(stage: Stage, state: RunState): PhaseChanged['anchor'] {
  if (state.phase === 'completed' || !state.anchor) return undefined;
  const scores = 'frozen' in state ? anchorScoresIn(stage, state.frozen) : undefined;
  return { stage: state.anchor.stage, ...(scores && { scores }) };
}

/** The last event of a run that is driven, when its orchestrator is shut down. */
export function drainedEvent(state: RunState): RunEvent {
  const resumed = 'pairs' in state ? (resumePair(state)?.step ?? 0) : 0;
  const step = state.phase === 'promoting' ? state.outcome.steps : resumed;
  return { kind: 'drained', stage: state.stage, step };
}
