import { stagesOf } from '../stages/stages-of.js';
import { duty } from './advance.js';
import type { Condition } from './run-event.js';
import { PHASE_CONDITIONS, type PhaseCondition } from './run-times.js';
import type { RunView } from './run-view.js';
import { stallSentence } from './stall-sentence.js';
import type { RunState } from './state.js';
import { howItStands } from './steer.js';

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

function stageName(spec: RunView['spec'], { generation }: RunState): string | undefined {
  return stagesOf(spec)[generation]?.name;
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
