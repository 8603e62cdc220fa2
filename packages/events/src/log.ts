import type { Run, WatchRunResponse } from '@trikd/protocol/gen/browser/trikd/v1/run';
import type { RunEvent } from './event.js';
import { type Sentence, sentenceOf, stallSentence, type Tone } from './event-text.js';
import { hasMove } from './fold-run.js';

/** One line of the log of a run. */
export interface LogEntry {
  /** Of its event. */
  readonly number: number;
  /** ISO 8601; empty when it is not known. */
  readonly time: string;
  readonly kind:
    | 'phase'
    | 'result'
    | 'anchor'
    | 'stall'
    | 'evaluation'
    | 'committed'
    | 'drained'
    | 'alarm'
    | 'incident'
    | 'slow-step';
  readonly tone: Tone;
  readonly stage: number;
  readonly text: string;
}

type Line = Pick<LogEntry, 'kind' | 'tone' | 'stage' | 'text'>;

/** As many as people scroll through. */
export const MOST_ENTRIES = 600;

/** The log with the lines of an event, which is new to it. @param before the run after the numbered events so far */
export function addToLog(
  log: readonly LogEntry[],
  { number, time = '' }: WatchRunResponse,
  event: RunEvent,
  before: Run,
): readonly LogEntry[] {
  const lines = linesOf(event, before);
  if (lines.length === 0) return log;
  const longer = [...log, ...lines.map((line) => ({ number, time, ...line }))];
  while (longer.length > MOST_ENTRIES) longer.splice(leastMissed(longer), 1);
  return longer;
}

/** The oldest line of those that every epoch brings, or the oldest of all. */
function leastMissed(log: readonly LogEntry[]): number {
  const routine = log.findIndex(({ kind }) => kind === 'evaluation' || kind === 'committed' || kind === 'slow-step');
  return Math.max(routine, 0);
}

function linesOf(event: RunEvent, before: Run): readonly Line[] {
  const line = (kind: Line['kind'], stage: number): readonly Line[] => {
    const { tone, text }: Sentence = sentenceOf(event);
    return [{ kind, stage, tone, text }];
  };
  switch (event.$case) {
    case 'phaseChanged': {
      const { phase, stage, attempt } = event.value;
      const known = before.phase === phase && before.stage === stage && before.attempt === attempt;
      return known ? [] : line('phase', stage);
    }
    case 'stageEnded': {
      const stage = event.value.result?.stage ?? 0;
      return before.stages.some((each) => each.stage === stage) ? [] : line('result', stage);
    }
    case 'anchorMoved': {
      const { move } = event.value;
      return !move || hasMove(before, move) ? [] : line('anchor', move.during);
    }
    case 'stallsChanged':
      return event.value.stalls
        .filter(({ by, on }) => !before.stalls.some((each) => each.by === by && each.on === on))
        .map((stall) => ({ ...STALL, stage: before.stage, text: stallSentence(stall) }));
    case 'evaluation':
      return line('evaluation', event.value.stage);
    case 'committed':
      return line('committed', event.value.stage);
    case 'drained':
      return line('drained', event.value.stage);
    case 'alarm':
      return line('alarm', event.value.stage);
    case 'trioIncident':
      return line('incident', event.value.stage);
    case 'slowStep':
      return line('slow-step', event.value.stage);
    case 'run':
    case 'progress':
    case 'stepTimes':
    case 'missing':
      return [];
  }
}

const STALL = { kind: 'stall', tone: 'warning' } as const;
