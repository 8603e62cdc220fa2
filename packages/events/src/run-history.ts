import {
  type EventsMissing,
  type RoleAlarm,
  type RoleEvaluation,
  type RoleNumerics,
  type RoleProgress,
  type Run,
  type RunDrained,
  RunPhase,
  type WatchRunResponse,
} from '@trikd/protocol/gen/browser/trikd/v1/run';
import type { SlowStep, StepTimes } from '@trikd/protocol/gen/browser/trikd/v1/timing';
import { addPoint, type Curve, cutFrom, emptyCurve } from './curve.js';
import type { RunEvent } from './event.js';
import { foldRun, isOlder, unknownRun } from './fold-run.js';
import { addToLog, type LogEntry } from './log.js';

/** Where the time went over the whole run, thinned out. */
export interface StepWindows {
  /** One window in so many is kept. */
  readonly stride: number;
  /** Windows so far. */
  readonly seen: number;
  /** In order. */
  readonly kept: readonly StepTimes[];
  readonly newest?: StepTimes;
}

/** As many as a chart has room for bars. */
export const MOST_WINDOWS = 64;

/** As many as a table of them is useful for. */
export const MOST_SLOW_STEPS = 20;

export const emptyWindows: StepWindows = { stride: 1, seen: 0, kept: [] };

export function addWindow({ stride, seen, kept }: StepWindows, times: StepTimes): StepWindows {
  const next = { seen: seen + 1, newest: times };
  if (seen % stride !== 0) return { ...next, stride, kept };
  const more = [...kept, times];
  if (more.length <= MOST_WINDOWS) return { ...next, stride, kept: more };
  return { ...next, stride: 2 * stride, kept: more.filter((_, index) => index % 2 === 0) };
}

/** The slowest first, each once. */
function addSlowStep(slowest: readonly SlowStep[], step: SlowStep): readonly SlowStep[] {
  const others = slowest.filter((each) => !sameStep(each, step));
  return [...others, step]
    .sort((a, b) => b.durationMs - a.durationMs || a.stage - b.stage || a.step - b.step)
    .slice(0, MOST_SLOW_STEPS);
}

function sameStep(one: SlowStep, other: SlowStep): boolean {
  return one.stage === other.stage && one.attempt === other.attempt && one.step === other.step;
}

/** One learner in one stage. */
export interface LearnerHistory {
  /** Loss terms by part, metrics of the batch by name, `gradientNorm`, `learningRate`, `stepsPerSecond`; over steps trained. */
  readonly training: Curve;
  /** Metrics by name, over steps trained. */
  readonly validation: Curve;
}

/** One stage. */
export interface StageHistory {
  readonly stage: number;
  /** Steps of all of it; 0 before it is known. */
  readonly totalSteps: number;
  /** Step of its newest committed pair. */
  readonly committed?: number;
  /** The newest alarm of its present attempt. */
  readonly alarm?: RoleAlarm;
  /** What the models of its newest attempt compute with, as far as they report it. */
  readonly numerics?: readonly RoleNumerics[];
  /** By name, in the order of their first events. */
  readonly learners: Readonly<Record<string, LearnerHistory>>;
}

/** The events of a run, folded: bounded however many there were. */
export interface RunHistory {
  /** The run; with its spec if a snapshot was among the events. */
  readonly run?: Run;
  /** The run according to its numbered events alone: what the next one changes. */
  readonly emitted?: Run;
  /** Highest number of an event that is in here. */
  readonly lastEvent: number;
  /** By stage. */
  readonly stages: readonly StageHistory[];
  readonly windows: StepWindows;
  readonly slowSteps: readonly SlowStep[];
  readonly log: readonly LogEntry[];
  /** Events that are not kept any more. */
  readonly missing?: EventsMissing;
  /** Where the run rests, if its orchestrator was shut down and it was not continued. */
  readonly drained?: RunDrained;
}

export const emptyHistory: RunHistory = {
  lastEvent: 0,
  stages: [],
  windows: emptyWindows,
  slowSteps: [],
  log: [],
};

/** The history after one more event. One that is in it already, by its number, changes nothing. */
export function fold(history: RunHistory, message: WatchRunResponse): RunHistory {
  const { event, number } = message;
  if (number === 0) {
    if (event?.$case === 'run') return withRun(history, event.value);
    return event ? applied(history, event) : history;
  }
  if (number <= history.lastEvent) return history;
  const next: RunHistory = { ...history, lastEvent: number };
  if (!event) return next;
  const log = addToLog(next.log, message, event, next.emitted ?? unknownRun);
  return applied({ ...next, log }, event);
}

/** All events, in their order. */
export function foldAll(events: Iterable<WatchRunResponse>, before: RunHistory = emptyHistory): RunHistory {
  let history = before;
  for (const event of events) history = fold(history, event);
  return history;
}

/** The history with a snapshot of the run, unless a newer one is known. */
export function withRun(history: RunHistory, run: Run): RunHistory {
  const present = history.run;
  // A request may be answered before older events are read.
  if (isOlder(run.updateTime, present?.updateTime)) return history;
  return { ...history, run: run.spec === '' && present ? withSpecOf(present, run) : run };
}

function withSpecOf({ spec, specDigest }: Run, run: Run): Run {
  return { ...run, spec, specDigest };
}

function applied(history: RunHistory, event: RunEvent): RunHistory {
  const emitted = foldRun(history.emitted ?? unknownRun, event);
  const run = runAfter(history, emitted, event);
  return details({ ...history, emitted, ...(run && { run }) }, event);
}

function runAfter({ run }: RunHistory, emitted: Run, event: RunEvent): Run | undefined {
  const isKnown = emitted.attempt > 0;
  if (!run) return isKnown ? emitted : undefined;
  // Events from before the snapshot may be of an earlier attempt: what was trained in it is not the run's progress.
  const past = isKnown && (emitted.stage !== run.stage || emitted.attempt !== run.attempt);
  const ofAttempt = event.$case === 'progress' || event.$case === 'evaluation' || event.$case === 'committed';
  return past && ofAttempt ? run : foldRun(run, event);
}

/** The history with what an event says besides how the run is. */
function details(history: RunHistory, event: RunEvent): RunHistory {
  switch (event.$case) {
    case 'phaseChanged': {
      const { drained: _, ...rest } = history;
      // Every attempt begins with this phase.
      const begins = event.value.phase === RunPhase.RUN_PHASE_PREPARING;
      const cleared = begins ? { ...rest, stages: rest.stages.map(withoutAlarm) } : rest;
      const { numerics, stage } = event.value;
      return numerics.length === 0 ? cleared : inStage(cleared, stage, (of) => ({ ...of, numerics }));
    }
    case 'progress':
      return inStage(history, event.value.stage, (stage) => trained(stage, event.value));
    case 'evaluation':
      return inStage(history, event.value.stage, (stage) => validated(stage, event.value));
    case 'committed': {
      const { stage, step } = event.value;
      return inStage(history, stage, (before) => ({ ...before, committed: step }));
    }
    case 'alarm':
      return inStage(history, event.value.stage, (before) => ({ ...before, alarm: event.value }));
    case 'stepTimes':
      return { ...history, windows: addWindow(history.windows, event.value) };
    case 'slowStep':
      return { ...history, slowSteps: addSlowStep(history.slowSteps, event.value) };
    case 'missing':
      return { ...history, missing: event.value };
    case 'drained':
      return { ...history, drained: event.value };
    case 'run':
    case 'stageEnded':
    case 'anchorMoved':
    case 'stallsChanged':
    case 'trioIncident':
      return history;
  }
}

function withoutAlarm({ alarm: _, ...stage }: StageHistory): StageHistory {
  return stage;
}

function inStage(history: RunHistory, stage: number, change: (before: StageHistory) => StageHistory): RunHistory {
  const before = history.stages.find((each) => each.stage === stage) ?? newStage(stage);
  const others = history.stages.filter((each) => each.stage !== stage);
  const stages = [...others, change(before)].sort((a, b) => a.stage - b.stage);
  return { ...history, stages };
}

const newLearner: LearnerHistory = { training: emptyCurve, validation: emptyCurve };

function newStage(stage: number): StageHistory {
  return { stage, totalSteps: 0, learners: {} };
}

function trained(before: StageHistory, { participant, totalSteps, progress }: RoleProgress): StageHistory {
  if (!progress) return before;
  const { nextStep, terms, batchMetrics, gradientNorm, learningRate, stepsPerSecond } = progress;
  const losses = Object.fromEntries(terms.map(({ part, value }) => [part, value]));
  const values = { ...losses, ...batchMetrics, gradientNorm, learningRate, stepsPerSecond };
  const { training, validation } = before.learners[participant] ?? newLearner;
  // A stage that began anew, or goes on from an earlier step, has not been validated beyond it.
  const now = { training: addPoint(training, nextStep, values), validation: cutFrom(validation, nextStep + 1) };
  return { ...before, totalSteps, learners: { ...before.learners, [participant]: now } };
}

function validated(before: StageHistory, { participant, evaluation }: RoleEvaluation): StageHistory {
  const score = evaluation?.validation;
  if (!evaluation || !score) return before;
  const history = before.learners[participant] ?? newLearner;
  const validation = addPoint(history.validation, evaluation.step, score.metrics);
  return { ...before, learners: { ...before.learners, [participant]: { ...history, validation } } };
}
