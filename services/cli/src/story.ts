import type { TrainedRole } from '@trikd/core/domain/role';
import type { LossTerm } from '@trikd/core/training/trainer-event';
import { toScore, toTrainedRole } from '@trikd/protocol/convert';
import { toProgress } from '@trikd/protocol/convert-trainer';
import { Role, type Score } from '@trikd/protocol/gen/node/trikd/v1/common';
import { type Run, type RunAnchor, RunPhase, type WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { runPhaseOf } from '@trikd/protocol/run-phases';

/** What was last heard of one role in the generation in hand. */
export interface RoleStory {
  /** First step that is not yet trained. */
  readonly step: number;
  readonly terms: readonly LossTerm[];
  /** 0..1 */
  readonly batchAccuracy: number;
  readonly stepsPerSecond: number;
  /** Share of the time spent waiting, 0..1, by whom was waited for. */
  readonly waits: Readonly<Partial<Record<'anchor' | 'peer', number>>>;
  /** Accuracy of the newest validation, 0..1. */
  readonly validation?: number;
}

/** A run as far as it was watched: what the live view shows. */
export interface Story {
  readonly runId: string;
  readonly phase: RunPhase;
  readonly generation: number;
  readonly generations: number;
  readonly attempt: number;
  /** Steps of a generation; unknown before the first step. */
  readonly totalSteps?: number;
  readonly roles: Readonly<Partial<Record<TrainedRole, RoleStory>>>;
  /** Step of the newest committed pair of the generation. */
  readonly committed?: number;
  /** The last thing somebody should look at. */
  readonly alarm?: string;
  /** What holds the run up at the moment, a sentence each. */
  readonly stalls?: readonly string[];
  readonly failure?: string;
  /** Whose student the anchor was, and its accuracies (0..1) once it is loaded. */
  readonly anchor?: { readonly generation: number; readonly validation?: number; readonly test?: number };
  readonly drained?: { readonly generation: number; readonly step: number };
}

export function newStory(runId: string, generations: number): Story {
  return { runId, phase: RunPhase.RUN_PHASE_PREPARING, generation: 0, generations, attempt: 1, roles: {} };
}

type Event = NonNullable<WatchRunResponse['event']>;

/** The story after one more event. */
export function tell(story: Story, event: Event): Story {
  switch (event.$case) {
    case 'run':
      return turn(story, event.value);
    case 'progress': {
      if (!event.value.progress) return story;
      const { nextStep, terms, batchAccuracy, stepsPerSecond, waits } = toProgress(event.value.progress);
      const role = toTrainedRole(event.value.role);
      const news = { step: nextStep, terms, batchAccuracy, stepsPerSecond, waits };
      return {
        ...story,
        totalSteps: event.value.totalSteps,
        roles: { ...story.roles, [role]: { ...story.roles[role], ...news } },
      };
    }
    case 'evaluation': {
      const role = toTrainedRole(event.value.role);
      const before = story.roles[role];
      const evaluation = event.value.evaluation;
      if (!evaluation) return story;
      const validation = toScore(evaluation.validation).accuracy;
      return { ...story, roles: { ...story.roles, [role]: { ...(before ?? untold(evaluation.step)), validation } } };
    }
    case 'committed':
      return { ...story, committed: event.value.step };
    case 'drained':
      return { ...story, drained: { generation: event.value.generation, step: event.value.step } };
    case 'stepTimes':
    case 'slowStep':
      return story;
    case 'alarm': {
      const role = toTrainedRole(event.value.role);
      return { ...story, alarm: `${role}, step ${event.value.alarm?.step ?? 0}: ${event.value.alarm?.message ?? ''}` };
    }
    case 'missing':
      return story;
  }
}

function turn(story: Story, run: Run): Story {
  const { phase, generation, attempt, failure } = run;
  const now = { runId: story.runId, generations: story.generations, phase, generation, attempt };
  const total = story.totalSteps === undefined ? {} : { totalSteps: story.totalSteps };
  const failed = failure === '' ? {} : { failure };
  const anchor = run.anchor ? { anchor: anchorOf(run.anchor) } : {};
  const stalls = run.stalls.map(({ by, on, reason }) => `the ${by} waits for the ${on}: ${reason}`);
  // Nothing that was said of a generation, or of a start of it, is true of the next.
  if (generation !== story.generation || attempt !== story.attempt)
    return { ...now, ...total, ...failed, ...anchor, stalls, roles: {} };
  return { ...story, ...now, ...failed, ...anchor, stalls };
}

function anchorOf({ generation, validation, test }: RunAnchor): NonNullable<Story['anchor']> {
  return {
    generation,
    ...(validation && { validation: validation.accuracy }),
    ...(test && { test: test.accuracy }),
  };
}

function untold(step: number): RoleStory {
  return { step, terms: [], batchAccuracy: 0, stepsPerSecond: 0, waits: {} };
}

/** One line of JSON for an event that is worth one when nobody looks on. */
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
