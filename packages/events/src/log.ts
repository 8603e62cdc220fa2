import {
  type AnchorMove,
  AnchorMoveKind,
  type GenerationResult,
  type Run,
  RunPhase,
} from '@trikd/protocol/gen/browser/trikd/v1/run';
import type { RunEvent } from './event.js';
import { newMoves, newResults } from './whole-run.js';
import { lossText, percent, phaseName, roleName } from './words.js';

/** One line of the story of a run. */
export interface LogEntry {
  /** Of its event. */
  readonly number: number;
  /** ISO 8601; empty when it is not known. */
  readonly time: string;
  readonly kind: 'run' | 'result' | 'anchor' | 'stall' | 'evaluation' | 'committed' | 'drained' | 'alarm' | 'slow-step';
  readonly tone: 'plain' | 'good' | 'warning' | 'bad';
  readonly generation: number;
  readonly text: string;
}

type Said = Pick<LogEntry, 'kind' | 'tone' | 'generation' | 'text'>;

/** As many as people scroll through. */
export const MOST_ENTRIES = 600;

/** The log with what an event says. @param before the run as the events before had it */
export function addToLog(log: readonly LogEntry[], event: RunEvent, before: Run | undefined): readonly LogEntry[] {
  const { number, time = '' } = event;
  const longer = [...log, ...saidBy(event, before).map((said) => ({ number, time, ...said }))];
  while (longer.length > MOST_ENTRIES) longer.splice(leastMissed(longer), 1);
  return longer;
}

/** The oldest line of those that every epoch brings, or the oldest of all. */
function leastMissed(log: readonly LogEntry[]): number {
  const routine = log.findIndex(({ kind }) => kind === 'evaluation' || kind === 'committed' || kind === 'slow-step');
  return Math.max(routine, 0);
}

function saidBy({ event }: RunEvent, before: Run | undefined): readonly Said[] {
  switch (event?.$case) {
    case 'run':
      return changes(event.value, before);
    case 'evaluation': {
      const { role, generation, evaluation } = event.value;
      const validation = evaluation?.validation;
      const score = `${percent(validation?.accuracy ?? 0)}, NLL ${lossText(validation?.nll ?? 0, 4)}`;
      const text = `the ${roleName(role)} was validated at step ${evaluation?.step ?? 0}: ${score}`;
      return [{ kind: 'evaluation', tone: 'plain', generation, text }];
    }
    case 'committed': {
      const { generation, step } = event.value;
      return [{ kind: 'committed', tone: 'plain', generation, text: `the pair of step ${step} was committed` }];
    }
    case 'drained': {
      const { generation, step } = event.value;
      return [{ kind: 'drained', tone: 'warning', generation, text: `the run was drained at step ${step}` }];
    }
    case 'alarm': {
      const { role, generation, alarm } = event.value;
      const text = `the ${roleName(role)}, at step ${alarm?.step ?? 0}: ${alarm?.message ?? ''}`;
      return [{ kind: 'alarm', tone: 'bad', generation, text }];
    }
    case 'slowStep': {
      const { generation, step, durationMs, usualMs } = event.value;
      const text = `step ${step} took ${durationMs.toFixed(0)} ms where ${usualMs.toFixed(0)} ms are usual`;
      return [{ kind: 'slow-step', tone: 'plain', generation, text }];
    }
    case 'progress':
    case 'stepTimes':
    case 'missing':
    case undefined:
      return [];
  }
}

function changes(now: Run, before: Run | undefined): readonly Said[] {
  return [
    ...newResults(now, before).map(resultSaid),
    ...newMoves(now, before).map(moveSaid),
    ...phaseSince(now, before),
    ...stallsSince(now, before),
  ];
}

function phaseSince(now: Run, before: Run | undefined): readonly Said[] {
  const { phase, generation, attempt } = now;
  if (before && before.phase === phase && before.generation === generation && before.attempt === attempt) return [];
  const say = (tone: LogEntry['tone'], text: string): Said => ({ kind: 'run', tone, generation, text });
  switch (phase) {
    case RunPhase.RUN_PHASE_COMPLETED:
      return [say('good', `the run has completed; the student of generation ${now.bestGeneration} is its result`)];
    case RunPhase.RUN_PHASE_FAILED:
      return [say('bad', `the run failed: ${now.failure}`)];
    case RunPhase.RUN_PHASE_PAUSED:
    case RunPhase.RUN_PHASE_CANCELLED:
      return [say('warning', `the run was ${phaseName(phase)}`)];
    case RunPhase.RUN_PHASE_WAITING:
      return [say('warning', 'the next generation waits to be triggered')];
    default: {
      const start = attempt > 1 ? `, start ${attempt}` : '';
      return [say('plain', `${phaseName(phase)} generation ${generation}${start}`)];
    }
  }
}

function resultSaid(result: GenerationResult): Said {
  const { generation, steps } = result;
  const text = `generation ${generation} ended after ${steps} steps: ${scoresOf(result)}`;
  return { kind: 'result', tone: 'plain', generation, text };
}

function scoresOf({ student, teacher }: GenerationResult): string {
  const score = (accuracy: number | undefined) => (accuracy === undefined ? 'unknown' : percent(accuracy));
  return `student ${score(student?.validation?.accuracy)}, teacher ${score(teacher?.validation?.accuracy)}`;
}

function moveSaid({ kind, generation, during }: AnchorMove): Said {
  const tone = kind === AnchorMoveKind.ANCHOR_MOVE_KIND_RULE ? 'good' : 'warning';
  const text = `the student of generation ${generation} became the anchor${BY[kind]}`;
  return { kind: 'anchor', tone, generation: during, text };
}

const BY: Readonly<Record<AnchorMoveKind, string>> = {
  [AnchorMoveKind.ANCHOR_MOVE_KIND_RULE]: '',
  [AnchorMoveKind.ANCHOR_MOVE_KIND_OVERRIDE]: ' by an override',
  [AnchorMoveKind.ANCHOR_MOVE_KIND_ROLLBACK]: ' again by a rollback',
  [AnchorMoveKind.ANCHOR_MOVE_KIND_UNSPECIFIED]: '',
  [AnchorMoveKind.UNRECOGNIZED]: '',
};

function stallsSince(now: Run, before: Run | undefined): readonly Said[] {
  const known = new Set(before?.stalls.map(({ by, on }) => `${by} ${on}`));
  return now.stalls
    .filter(({ by, on }) => !known.has(`${by} ${on}`))
    .map(({ by, on, reason }) => ({
      kind: 'stall',
      tone: 'warning',
      generation: now.generation,
      text: `the ${by} waits for the ${on}: ${reason}`,
    }));
}
