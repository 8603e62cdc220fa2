import type { RunEvent } from '@trikd/events/event';
import { isGeneration, phaseName, primaryValue, roleName } from '@trikd/events/names';
import { fold, type RunHistory } from '@trikd/events/run-history';
import type { BestParams } from '@trikd/protocol/gen/browser/trikd/v1/trainer';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { eventJson } from './json-messages.js';
import { drawing, type Output, write as writeTo } from './shell.js';
import { terminalView } from './terminal-view.js';

/** Shows the progress of a run. */
export interface Display {
  readonly show: (message: WatchRunResponse) => void;
  /** Prints a line that stays. */
  readonly say: (sentence: string) => void;
  /** Ends the display and leaves what it shows. */
  readonly close: () => void;
  readonly history: () => RunHistory;
}

/** Between two lines of progress without a terminal, in milliseconds. */
const QUIET_INTERVAL = 10_000;
/** Between two redraws, in milliseconds. */
const LIVE_INTERVAL = 100;

/** A line for each model, redrawn in place. */
export function liveDisplay(terminal: Output, first: RunHistory): Display {
  const picture = drawing(terminal);
  let history = first;
  let timer: NodeJS.Timeout | undefined;
  const redraw = () => {
    timer = undefined;
    const lines = terminalView(history, terminal.columns ?? 80);
    if (lines.length > 0) picture.draw(lines.join('\n'));
  };
  redraw();
  const close = () => {
    clearTimeout(timer);
    redraw();
    picture.done();
  };
  return {
    show: (message) => {
      history = fold(history, eventJson(message));
      timer ??= setTimeout(redraw, LIVE_INTERVAL);
    },
    say: picture.persist,
    close,
    history: () => history,
  };
}

/** A line of JSON for each event, and one of progress every 10 s. @param now milliseconds of a monotonic clock */
export function quietDisplay(
  output: { write(text: string): unknown },
  errors: { write(text: string): unknown },
  first: RunHistory,
  now: () => number,
): Display {
  let history = first;
  let progressAt = now();
  let lastPhase = '';
  const write = (line: object) => writeTo(output, `${JSON.stringify(line)}\n`);
  return {
    show: (message) => {
      const json = eventJson(message);
      history = fold(history, json);
      const { event } = json;
      if (!event) return;
      const record = recordOf(event);
      const line = JSON.stringify(record);
      // A snapshot and the phase after it have the same record.
      if (record && line !== lastPhase) write(record);
      if (event.$case === 'run' || event.$case === 'phaseChanged') lastPhase = line;
      if (event.$case !== 'progress' || now() - progressAt < QUIET_INTERVAL) return;
      progressAt = now();
      write(progressRecord(history));
    },
    say: (sentence) => writeTo(errors, `${sentence}\n`),
    close: () => undefined,
    history: () => history,
  };
}

function progressRecord({ run }: RunHistory): object {
  const roles = (run?.progress?.roles ?? []).flatMap(({ participant, progress }) => {
    if (!progress) return [];
    const { nextStep, terms, batchMetrics, stepsPerSecond, waits } = progress;
    const evaluation = run?.progress?.evaluations.find((each) => each.participant === participant)?.evaluation;
    const validation = primaryValue(evaluation?.validation?.metrics);
    const shares = Object.fromEntries(waits.map((wait) => [wait.participant, wait.share]));
    const known = validation !== undefined && { validation };
    return [[participant, { step: nextStep, terms, batch: batchMetrics, stepsPerSecond, waits: shares, ...known }]];
  });
  const totalSteps = run?.progress?.roles[0]?.totalSteps;
  return {
    ...{ event: 'progress', stage: run?.stage, ...namedStage(run?.currentStage?.name), totalSteps },
    ...Object.fromEntries(roles),
  };
}

/** One line of JSON for a program, of an event that is worth one. */
export function recordOf(event: RunEvent): Readonly<Record<string, unknown>> | undefined {
  switch (event.$case) {
    case 'run': {
      const { stalls } = event.value;
      return { ...phaseRecord(event.value), ...(stalls.length > 0 && { stalls }) };
    }
    case 'phaseChanged':
      return phaseRecord(event.value);
    case 'stageEnded': {
      const { stage, stageName, steps, promoted, learners = [] } = event.value.result ?? {};
      const scores = learners.map(({ participant, best }) => [participant, primaryValues(best)] as const);
      return {
        ...{ event: 'stage-ended', stage, ...namedStage(stageName), steps, promoted },
        ...Object.fromEntries(scores),
      };
    }
    case 'anchorMoved': {
      const { kind = '', stage, during } = event.value.move ?? {};
      return { event: 'anchor-moved', by: kind.replace('ANCHOR_MOVE_KIND_', '').toLowerCase(), stage, during };
    }
    case 'stallsChanged':
      return { event: 'stalls', stalls: event.value.stalls };
    case 'evaluation': {
      const { participant, stage, evaluation } = event.value;
      const { step, validation } = evaluation ?? {};
      const { metrics, examples } = validation ?? {};
      return { event: 'evaluation', role: participant, stage, step, ...metrics, examples };
    }
    case 'committed':
      return { event: 'committed', ...event.value };
    case 'drained':
      return { event: 'drained', ...event.value };
    case 'alarm':
      return { event: 'alarm', role: event.value.participant, ...event.value.alarm };
    case 'trioIncident': {
      const { role, reason, message } = event.value;
      return { event: 'trio-incident', role: roleName(role), reason, message };
    }
    case 'missing':
      return { event: 'missing', ...event.value };
    case 'progress':
    case 'stepTimes':
    case 'slowStep':
      return undefined;
  }
}

interface Phase {
  readonly phase: string;
  readonly stage: number;
  readonly currentStage?: { readonly name: string } | undefined;
  readonly attempt: number;
  readonly failure: string;
}

function phaseRecord({ phase, stage, currentStage, attempt, failure }: Phase) {
  return {
    ...{ event: 'run', phase: phaseName(phase), stage, ...namedStage(currentStage?.name), attempt },
    ...(failure !== '' && { failure }),
  };
}

/** The name of a stage, where it says more than its index. */
function namedStage(name: string | undefined): { readonly stageName?: string } {
  return name === undefined || name === '' || isGeneration(name) ? {} : { stageName: name };
}

function primaryValues(best: BestParams | undefined) {
  return { validation: primaryValue(best?.validation?.metrics), test: primaryValue(best?.test?.metrics) };
}
