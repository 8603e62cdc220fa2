import type { Leadership } from '@trikd/core/run/stored/lease';
import type { DrivenRun } from '../runs/driven-run.js';

/** A run that a leader has taken on. */
export interface Current {
  readonly runId: string;
  /** Aborts when the run is to rest at a committed pair; the reason says why, see `displacement`. */
  readonly stop: AbortController;
  /** Resolves when the run is released, for whatever reason. */
  readonly released: Promise<void>;
  /** Absent while the run gets its trio, and the attempt that it was left in is fenced out. */
  readonly drive?: DrivenRun;
}

interface Known {
  /** The highest term in which a run was found written; a leader of a lower one has to be elected again, above it. */
  readonly newestTerm: number;
}

/** Another orchestrator leads, or none does. */
export interface Following extends Known {
  readonly kind: 'following';
}

/** Leads, and drives any number of runs. */
export interface Leading extends Known {
  readonly kind: 'leading';
  readonly lease: Leadership;
  readonly roster: ReadonlyMap<string, Current>;
}

/**
 * What an orchestrator does for the runs of its store.
 *
 *                elected
 *     following ─────────► leading, with a roster of runs:
 *         ▲                   │           run-taken            taken-over
 *         └──── resigned ─────┘     (none) ────────► taking over ────────► driven
 *                                     ▲                  │                   │
 *                                     └─ run-released ───┴───────────────────┘
 *
 * A leader that loses its lease, is drained, or finds a run of a later term first releases all its runs, and then resigns. A run is
 * taken only between two steering requests, never during one.
 */
export type LeadershipState = Following | Leading;

/** What moves an orchestrator from one state to the next. */
export type LeadershipEvent =
  | { readonly kind: 'elected'; readonly lease: Leadership }
  | { readonly kind: 'run-taken'; readonly current: Current }
  | { readonly kind: 'taken-over'; readonly drive: DrivenRun }
  | { readonly kind: 'run-released'; readonly runId: string }
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
      return { kind: 'leading', lease: event.lease, newestTerm, roster: new Map() };
    case 'run-taken':
      if (state.kind !== 'leading' || state.roster.has(event.current.runId)) break;
      return withRun(state, event.current);
    case 'taken-over': {
      const current = currentOf(state, event.drive.runId);
      if (state.kind !== 'leading' || !current || current.drive) break;
      return withRun(state, { ...current, drive: event.drive });
    }
    case 'run-released': {
      if (state.kind !== 'leading' || !state.roster.has(event.runId)) break;
      const roster = new Map(state.roster);
      roster.delete(event.runId);
      return { ...state, roster };
    }
    case 'resigned':
      if (state.kind !== 'leading' || state.roster.size > 0) break;
      return { kind: 'following', newestTerm };
    case 'term-found':
      return { ...state, newestTerm: Math.max(newestTerm, event.term) };
  }
  throw new Error(`${event.kind} is not expected while the orchestrator is ${state.kind}`);
}

function withRun(state: Leading, current: Current): Leading {
  return { ...state, roster: new Map(state.roster).set(current.runId, current) };
}

/** The term in which an orchestrator leads; undefined while it follows. */
export function termOf(state: LeadershipState): number | undefined {
  return state.kind === 'following' ? undefined : state.lease.term;
}

/** All runs that an orchestrator has taken on. */
export function rosterOf(state: LeadershipState): readonly Current[] {
  return state.kind === 'following' ? [] : [...state.roster.values()];
}

/** A run that an orchestrator has taken on, whether it is driven already or not. */
export function currentOf(state: LeadershipState, runId: string): Current | undefined {
  return state.kind === 'following' ? undefined : state.roster.get(runId);
}

/** A run that is driven, until its end or its pause is reached. */
export function driveOf(state: LeadershipState, runId: string): DrivenRun | undefined {
  const drive = currentOf(state, runId)?.drive;
  return drive && !drive.over() ? drive : undefined;
}
