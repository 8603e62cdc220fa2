import type { TrainedRole } from '@trikd/core/domain/role';
import type { LossTerm } from '@trikd/core/training/trainer-event';
import { toScore, toTrainedRole } from '@trikd/protocol/convert';
import { toProgress } from '@trikd/protocol/convert-trainer';
import { Role, type Score } from '@trikd/protocol/gen/node/trikd/v1/common';
import { type Run, type RunAnchor, RunPhase, type WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { runPhaseOf } from '@trikd/protocol/run-phases';

/** The newest values of one role in the current generation. */
export interface RoleSummary {
  /** First step that is not trained yet. */
  readonly step: number;
  readonly terms: readonly LossTerm[];
  /** 0..1 */
  readonly batchAccuracy: number;
  readonly stepsPerSecond: number;
  /** Share of the time spent waiting, 0..1, by what the role waited for. */
  readonly waits: Readonly<Partial<Record<'anchor' | 'peer', number>>>;
  /** Accuracy of the newest validation, 0..1. */
  readonly validation?: number;
}

/** What the live view shows of a run: a summary of the events so far. */
export interface RunSummary {
  readonly runId: string;
  readonly phase: RunPhase;
  readonly generation: number;
  readonly generations: number;
  readonly attempt: number;
  /** Steps of a generation; unknown before the first progress. */
  readonly totalSteps?: number;
  readonly roles: Readonly<Partial<Record<TrainedRole, RoleSummary>>>;
  /** Step of the newest committed pair of the generation. */
  readonly committed?: number;
  /** The newest alarm. */
  readonly alarm?: string;
  /** What the run waits for now, a sentence each. */
  readonly stalls?: readonly string[];
  readonly failure?: string;
  /** The generation of the student that is the anchor, and its accuracies (0..1) once it is loaded. */
  readonly anchor?: { readonly generation: number; readonly validation?: number; readonly test?: number };
  readonly drained?: { readonly generation: number; readonly step: number };
}

export function newSummary(runId: string, generations: number): RunSummary {
  return { runId, phase: RunPhase.RUN_PHASE_PREPARING, generation: 0, generations, attempt: 1, roles: {} };
}

type Event = NonNullable<WatchRunResponse['event']>;

/** The summary after one more event. */
export function withEvent(summary: RunSummary, event: Event): RunSummary {
  switch (event.$case) {
    case 'run':
      return withRun(summary, event.value);
    case 'progress': {
      if (!event.value.progress) return summary;
      const { nextStep, terms, batchAccuracy, stepsPerSecond, waits } = toProgress(event.value.progress);
      const role = toTrainedRole(event.value.role);
      const values = { step: nextStep, terms, batchAccuracy, stepsPerSecond, waits };
      return {
        ...summary,
        totalSteps: event.value.totalSteps,
        roles: { ...summary.roles, [role]: { ...summary.roles[role], ...values } },
      };
    }
    case 'evaluation': {
      const role = toTrainedRole(event.value.role);
      const before = summary.roles[role];
      const evaluation = event.value.evaluation;
      if (!evaluation) return summary;
      const validation = toScore(evaluation.validation).accuracy;
      return {
        ...summary,
        roles: { ...summary.roles, [role]: { ...(before ?? noValues(evaluation.step)), validation } },
      };
    }
    case 'committed':
      return { ...summary, committed: event.value.step };
    case 'drained':
      return { ...summary, drained: { generation: event.value.generation, step: event.value.step } };
    case 'stepTimes':
    case 'slowStep':
      return summary;
    case 'alarm': {
      const role = toTrainedRole(event.value.role);
      return {
        ...summary,
        alarm: `${role}, step ${event.value.alarm?.step ?? 0}: ${event.value.alarm?.message ?? ''}`,
      };
    }
    case 'missing':
      return summary;
  }
}

function withRun(summary: RunSummary, run: Run): RunSummary {
  const { phase, generation, attempt, failure } = run;
  const now = { runId: summary.runId, generations: summary.generations, phase, generation, attempt };
  const total = summary.totalSteps === undefined ? {} : { totalSteps: summary.totalSteps };
  const failed = failure === '' ? {} : { failure };
  const anchor = run.anchor ? { anchor: anchorOf(run.anchor) } : {};
  const stalls = run.stalls.map(({ by, on, reason }) => `the ${by} waits for the ${on}: ${reason}`);
  // Values of a generation, or of an attempt, say nothing about the next one.
  if (generation !== summary.generation || attempt !== summary.attempt)
    return { ...now, ...total, ...failed, ...anchor, stalls, roles: {} };
  return { ...summary, ...now, ...failed, ...anchor, stalls };
}

function anchorOf({ generation, validation, test }: RunAnchor): NonNullable<RunSummary['anchor']> {
  return {
    generation,
    ...(validation && { validation: validation.accuracy }),
    ...(test && { test: test.accuracy }),
  };
}

function noValues(step: number): RoleSummary {
  return { step, terms: [], batchAccuracy: 0, stepsPerSecond: 0, waits: {} };
}

/** The line of JSON for an event without a terminal; undefined for events that are too frequent. */
export function lineOf(event: Event): Readonly<Record<string, unknown>> | undefined {
  switch (event.$case) {
    case 'run': {
      const { phase, generation, attempt, failure, generations, stalls } = event.value;
      const last = generations.at(-1);
      return {
        event: 'run',
        phase: phaseName(phase),
        generation,
        attempt,
        ...(last && { lastResult: { generation: last.generation, promoted: last.promoted, ...scores(last.student) } }),
        ...(failure !== '' && { failure }),
        ...(stalls.length > 0 && { stalls }),
      };
    }
    case 'progress':
    case 'stepTimes':
    case 'slowStep':
      return undefined;
    case 'evaluation': {
      const { role, generation, evaluation } = event.value;
      return {
        event: 'evaluation',
        role: roleName(role),
        generation,
        step: evaluation?.step,
        ...evaluation?.validation,
      };
    }
    case 'committed':
      return { event: 'committed', ...event.value };
    case 'drained':
      return { event: 'drained', ...event.value };
    case 'alarm':
      return { event: 'alarm', role: roleName(event.value.role), ...event.value.alarm };
    case 'missing':
      return { event: 'missing', ...event.value };
  }
}

function scores(best: { readonly validation: Score | undefined; readonly test: Score | undefined } | undefined) {
  return { validation: best?.validation?.accuracy, test: best?.test?.accuracy };
}

/** The name of a trained role, for people. */
export function roleName(role: Role): string {
  return role === Role.ROLE_TEACHER ? 'teacher' : 'student';
}

/** The name of a phase, for people. */
export function phaseName(phase: RunPhase): string {
  return runPhaseOf(phase) ?? 'unknown';
}
