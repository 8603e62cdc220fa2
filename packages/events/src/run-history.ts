import type { EventsMissing, RoleEvaluation, RoleProgress, Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import type { SlowStep } from '@trikd/protocol/gen/browser/trikd/v1/timing';
import { addPoint, type Curve, cutFrom, emptyCurve } from './curve.js';
import type { RunEvent } from './event.js';
import { addToLog, type LogEntry } from './log.js';
import { addSlowStep, addWindow, emptyWindows, type StepWindows } from './step-windows.js';
import { wholeRun } from './whole-run.js';
import { type TrainedRole, trainedRole } from './words.js';

/** One role in one generation. */
export interface RoleHistory {
  /** Loss terms by part, `accuracy` of the batch, `gradientNorm`, `learningRate`, `stepsPerSecond`; over steps trained. */
  readonly training: Curve;
  /** `accuracy` and `nll`, over steps trained. */
  readonly validation: Curve;
}

/** One generation. */
export interface GenerationHistory {
  readonly generation: number;
  /** Steps of all of it; 0 before it is known. */
  readonly totalSteps: number;
  /** Step of its newest committed pair. */
  readonly committed?: number;
  readonly roles: Readonly<Record<TrainedRole, RoleHistory>>;
}

/** All that a run's events tell, bounded however many there were. */
export interface RunHistory {
  /** How the run stands; its spec once somebody told it. */
  readonly run?: Run;
  /** As the numbered events had it last. */
  readonly toldRun?: Run;
  /** Highest number of an event that is in here. */
  readonly lastEvent: number;
  /** By generation. */
  readonly generations: readonly GenerationHistory[];
  readonly windows: StepWindows;
  readonly slowSteps: readonly SlowStep[];
  readonly log: readonly LogEntry[];
  /** Events that nobody has any more. */
  readonly missing?: EventsMissing;
}

export const emptyHistory: RunHistory = {
  lastEvent: 0,
  generations: [],
  windows: emptyWindows,
  slowSteps: [],
  log: [],
};

/** The history after one more event. One that is in it already, by its number, changes nothing. */
export function fold(history: RunHistory, event: RunEvent): RunHistory {
  if (event.number === 0) return tell(history, event);
  if (event.number <= history.lastEvent) return history;
  const log = addToLog(history.log, event, history.toldRun);
  const told = event.event?.$case === 'run' ? { toldRun: event.event.value } : {};
  return { ...tell(history, event), ...told, log, lastEvent: event.number };
}

/** All events, in their order. */
export function foldAll(events: Iterable<RunEvent>, before: RunHistory = emptyHistory): RunHistory {
  let history = before;
  for (const event of events) history = fold(history, event);
  return history;
}

/** The history with the run as somebody asked for it. */
export function withRun(history: RunHistory, run: Run): RunHistory {
  const present = history.run;
  // What was asked for may be newer than the events that are read just now.
  const older =
    present?.updateTime !== undefined && run.updateTime !== undefined && run.updateTime < present.updateTime;
  if (older) return history;
  return { ...history, run: run.spec === '' && present ? { ...run, spec: present.spec } : run };
}

function tell(history: RunHistory, { event, number }: RunEvent): RunHistory {
  switch (event?.$case) {
    case 'run':
      return withRun(history, number === 0 ? event.value : wholeRun(event.value, history.run));
    case 'progress':
      return inGeneration(history, event.value.generation, (generation) => trained(generation, event.value));
    case 'evaluation':
      return inGeneration(history, event.value.generation, (generation) => validated(generation, event.value));
    case 'committed': {
      const { generation, step } = event.value;
      return inGeneration(history, generation, (before) => ({ ...before, committed: step }));
    }
    case 'stepTimes':
      return { ...history, windows: addWindow(history.windows, event.value) };
    case 'slowStep':
      return { ...history, slowSteps: addSlowStep(history.slowSteps, event.value) };
    case 'missing':
      return { ...history, missing: event.value };
    case 'drained':
    case 'alarm':
    case undefined:
      return history;
  }
}

function inGeneration(
  history: RunHistory,
  generation: number,
  change: (before: GenerationHistory) => GenerationHistory,
): RunHistory {
  const before = history.generations.find((each) => each.generation === generation) ?? newGeneration(generation);
  const others = history.generations.filter((each) => each.generation !== generation);
  const generations = [...others, change(before)].sort((a, b) => a.generation - b.generation);
  return { ...history, generations };
}

const newRole: RoleHistory = { training: emptyCurve, validation: emptyCurve };

function newGeneration(generation: number): GenerationHistory {
  return { generation, totalSteps: 0, roles: { teacher: newRole, student: newRole } };
}

function trained(before: GenerationHistory, { role, totalSteps, progress }: RoleProgress): GenerationHistory {
  const name = trainedRole(role);
  if (!name || !progress) return before;
  const { nextStep, terms, batchAccuracy, gradientNorm, learningRate, stepsPerSecond } = progress;
  const losses = Object.fromEntries(terms.map(({ part, value }) => [part, value]));
  const values = { ...losses, accuracy: batchAccuracy, gradientNorm, learningRate, stepsPerSecond };
  const { training, validation } = before.roles[name];
  // A generation that began anew, or goes on from an earlier step, has not been validated beyond it.
  const now = { training: addPoint(training, nextStep, values), validation: cutFrom(validation, nextStep + 1) };
  return { ...before, totalSteps, roles: { ...before.roles, [name]: now } };
}

function validated(before: GenerationHistory, { role, evaluation }: RoleEvaluation): GenerationHistory {
  const name = trainedRole(role);
  const score = evaluation?.validation;
  if (!name || !evaluation || !score) return before;
  const history = before.roles[name];
  const { accuracy, nll } = score;
  const validation = addPoint(history.validation, evaluation.step, { accuracy, nll });
  return { ...before, roles: { ...before.roles, [name]: { ...history, validation } } };
}
