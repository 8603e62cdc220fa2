import type { Leadership } from '@trikd/core/run/lease';
import type { DrivenRun } from '../runs/driven-run.js';

/** The run that a leader has taken on. */
export interface Current {
  readonly runId: string;
  /** Aborts when the run is to pause at a committed pair. */
  readonly pause: AbortController;
  /** Resolves when the run is released, for whatever reason. */
  readonly released: Promise<void>;
}

interface Known {
  /** The highest term in which a run was found written; a leader of a lower one has to be elected again, above it. */
  readonly newestTerm: number;
}

interface Leading extends Known {
  readonly lease: Leadership;
}

/** Another orchestrator leads, or none does. */
export interface Following extends Known {
  readonly kind: 'following';
}

/** Leads, and drives no run. */
export interface Idle extends Leading {
  readonly kind: 'idle';
}

/** Fences out the attempt that the run was left in. */
export interface TakingOver extends Leading {
  readonly kind: 'taking-over';
  readonly current: Current;
}

/** Drives a run. */
export interface Driving extends Leading {
  readonly kind: 'driving';
  readonly current: Current;
  readonly drive: DrivenRun;
}

/**
 * What an orchestrator does for the runs of its store.
 *
 *                elected          run-taken                taken-over
 *     following ─────────► idle ───────────► taking-over ────────────► driving
 *         ▲                │ ▲                    │                       │
 *         └─── resigned ───┘ └──── run-released ──┴───────────────────────┘
 *
 * A leader that loses its lease, is drained, or finds a run of a later term first releases its run, and then resigns. A run is taken
 * only between two steering requests, never during one.
 */
export type LeadershipState = Following | Idle | TakingOver | Driving;

/** What moves an orchestrator from one state to the next. */
export type LeadershipEvent =
  | { readonly kind: 'elected'; readonly lease: Leadership }
  | { readonly kind: 'run-taken'; readonly current: Current }
  | { readonly kind: 'taken-over'; readonly drive: DrivenRun }
  | { readonly kind: 'run-released' }
  | { readonly kind: 'resigned' }
  /** In any state. */
  | { readonly kind: 'term-found'; readonly term: number };

export const FOLLOWING: Following = { kind: 'following', newestTerm: 0 };

/** The state after an event. @throws Error for an event that the state does not expect */
export function after(state: LeadershipState, event: LeadershipEvent): LeadershipState {
  const { newestTerm } = state;
  switch (event.kind) {
    case 'elected':
      if (state.kind !== 'following') break;
      return { kind: 'idle', lease: event.lease, newestTerm };
    case 'run-taken':
      if (state.kind !== 'idle') break;
      return { ...state, kind: 'taking-over', current: event.current };
    case 'taken-over':
      if (state.kind !== 'taking-over') break;
      return { ...state, kind: 'driving', drive: event.drive };
    case 'run-released':
      if (state.kind !== 'taking-over' && state.kind !== 'driving') break;
      return { kind: 'idle', lease: state.lease, newestTerm };
    case 'resigned':
      if (state.kind !== 'idle') break;
      return { kind: 'following', newestTerm };
    case 'term-found':
      return { ...state, newestTerm: Math.max(newestTerm, event.term) };
  }
  throw new Error(`${event.kind} is not expected while the orchestrator is ${state.kind}`);
}

/** The term in which an orchestrator leads; undefined while it follows. */
export function termOf(state: LeadershipState): number | undefined {
  return state.kind === 'following' ? undefined : state.lease.term;
}

/** The run that an orchestrator has taken on, whether it is driven already or not. */
export function currentOf(state: LeadershipState): Current | undefined {
  return state.kind === 'taking-over' || state.kind === 'driving' ? state.current : undefined;
}

/** The run that is driven, until its end or its pause is reached. */
export function driveOf(state: LeadershipState): DrivenRun | undefined {
  return state.kind === 'driving' && !state.drive.over() ? state.drive : undefined;
}
