import type { Stage } from '../stages/stage.js';
import { stagesOf } from '../stages/stages-of.js';
import { anchorScoresIn } from './advance.js';
import { conditionsOf } from './conditions.js';
import { currentStage } from './current-stage.js';
import { progressOf } from './progress.js';
import { bestStage } from './promotion.js';
import type { PhaseChanged, RunEvent } from './run-event.js';
import type { RunView } from './run-view.js';
import { type RunState, resumePair } from './state.js';

/** The events of a run whose state was replaced; the phase comes last. @param before the state that it had */
export function changesSince(before: RunState, view: RunView): readonly RunEvent[] {
  const { results, moves } = view.state;
  return [
    ...results.slice(before.results.length).map((result) => {
      const stage = stagesOf(view.spec)[result.generation]?.name ?? '';
      return { kind: 'generation-ended', result, stage } as const;
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
    generation: state.generation,
    stage: namesIn(stage),
    attempt: state.attempt,
    ...(state.phase === 'failed' && { failure: { kind: state.kind, message: state.reason } }),
    ...(best !== undefined && { bestGeneration: best }),
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

function namesIn({ name, learners, frozen, decisive }: Stage): PhaseChanged['stage'] {
  return { name, learners: learners.map((each) => each.name), frozen: frozen.map((each) => each.name), decisive };
}

function anchorOf(stage: Stage, state: RunState): PhaseChanged['anchor'] {
  if (state.phase === 'completed' || !state.anchor) return undefined;
  const scores = 'frozen' in state ? anchorScoresIn(stage, state.frozen) : undefined;
  return { generation: state.anchor.generation, ...(scores && { scores }) };
}

/** The last event of a run that is driven, when its orchestrator is shut down. */
export function drainedEvent(state: RunState): RunEvent {
  const resumed = 'pairs' in state ? (resumePair(state)?.step ?? 0) : 0;
  const step = state.phase === 'promoting' ? state.outcome.steps : resumed;
  return { kind: 'drained', generation: state.generation, step };
}
