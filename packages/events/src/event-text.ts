import { stallSentence } from '@trikd/core/run/pace';
import {
  type AnchorMove,
  AnchorMoveKind,
  type EventsMissing,
  type PhaseChanged,
  type RoleProgress,
  type Run,
  RunPhase,
  type StageResult,
} from '@trikd/protocol/gen/browser/trikd/v1/run';
import { eventName, type RunEvent } from './event.js';
import { isGeneration, lossText, phaseName, primaryText, scoreText, stageText } from './names.js';

export { stallSentence };

/** Whether an event is routine, good, worth a look or bad. */
export type Tone = 'plain' | 'good' | 'warning' | 'bad';

/** An event in words. */
export interface Sentence {
  readonly tone: Tone;
  readonly text: string;
}

/** The phase of a run. */
export function runInPhase(runId: string, phase: string): string {
  const name = phaseName(phase);
  return `run ${runId} ${name === 'completed' || name === 'failed' ? 'has' : 'is'} ${name}`;
}

/** Why a queued run waits, with its position where that is known; undefined for another run. */
export function waitSentence({ phase, conditions }: Pick<Run, 'phase' | 'conditions'>): string | undefined {
  if (phase !== RunPhase.RUN_PHASE_QUEUED) return undefined;
  return conditions.find(({ type }) => type === 'Queued')?.message;
}

/** How a run is: its phase, what it waits for, why it failed. */
export function runSentences(run: Run): readonly string[] {
  const { runId, phase, stage, currentStage, attempt, progress, stalls, failure } = run;
  const waits = waitSentence(run);
  const done = progress && progress.stepsTotal > 0 ? `, ${Math.floor(progress.percent)} % of its steps done` : '';
  return [
    `${runInPhase(runId, phase)}: ${stageText(currentStage?.name, stage)}, attempt ${attempt}${done}`,
    ...(waits === undefined || waits === '' ? [] : [waits]),
    ...stalls.map(stallSentence),
    ...(failure === '' ? [] : [failure]),
  ];
}

/** What a reader needs to know of events that are gone. */
export function missingSentence({ firstKept }: EventsMissing): string {
  return firstKept > 0
    ? `events before ${eventName(firstKept)} are no longer stored`
    : 'the oldest events are no longer stored';
}

/** An event for people. */
export function sentenceOf(event: RunEvent): Sentence {
  switch (event.$case) {
    case 'run': {
      const { failure, stalls } = event.value;
      const tone = failure === '' ? (stalls.length > 0 ? 'warning' : 'plain') : 'bad';
      return { tone, text: runSentences(event.value).join('; ') };
    }
    case 'phaseChanged':
      return phaseSentence(event.value);
    case 'stageEnded':
      return { tone: 'plain', text: resultSentence(event.value.result) };
    case 'anchorMoved':
      return moveSentence(event.value.move);
    case 'stallsChanged': {
      const { stalls } = event.value;
      if (stalls.length === 0) return { tone: 'plain', text: 'the run goes on' };
      return { tone: 'warning', text: stalls.map(stallSentence).join('; ') };
    }
    case 'progress':
      return { tone: 'plain', text: progressSentence(event.value) };
    case 'evaluation': {
      const { participant, evaluation } = event.value;
      const score = scoreText(evaluation?.validation?.metrics);
      return { tone: 'plain', text: `the ${participant} was validated at step ${evaluation?.step ?? 0}: ${score}` };
    }
    case 'committed':
      return { tone: 'plain', text: `the pair of step ${event.value.step} was committed` };
    case 'drained':
      return { tone: 'warning', text: `the run was drained at step ${event.value.step}` };
    case 'alarm': {
      const { participant, alarm } = event.value;
      return { tone: 'bad', text: `the ${participant}, at step ${alarm?.step ?? 0}: ${alarm?.message ?? ''}` };
    }
    case 'trioIncident':
      return { tone: 'warning', text: event.value.message };
    case 'stepTimes':
      return { tone: 'plain', text: event.value.verdict };
    case 'slowStep': {
      const { step, durationMs, usualMs } = event.value;
      const text = `step ${step} took ${durationMs.toFixed(0)} ms where ${usualMs.toFixed(0)} ms are usual`;
      return { tone: 'plain', text };
    }
    case 'missing':
      return { tone: 'warning', text: missingSentence(event.value) };
  }
}

function phaseSentence(change: PhaseChanged): Sentence {
  const { phase, stage, currentStage, attempt, failure } = change;
  switch (phase) {
    case RunPhase.RUN_PHASE_COMPLETED:
      return { tone: 'good', text: `the run has completed; ${productOf(change)} is its result` };
    case RunPhase.RUN_PHASE_FAILED:
      return { tone: 'bad', text: `the run failed: ${failure}` };
    case RunPhase.RUN_PHASE_PAUSED:
    case RunPhase.RUN_PHASE_CANCELLED:
      return { tone: 'warning', text: `the run was ${phaseName(phase)}` };
    case RunPhase.RUN_PHASE_QUEUED: {
      const why = waitSentence(change);
      return { tone: attempt > 1 ? 'warning' : 'plain', text: `the run is queued${why ? `: ${why}` : ''}` };
    }
    case RunPhase.RUN_PHASE_WAITING:
      return { tone: 'warning', text: `${stageText(currentStage?.name, stage)} waits to be triggered` };
    default: {
      const again = attempt > 1 ? `, attempt ${attempt}` : '';
      return { tone: 'plain', text: `${phaseName(phase)} ${stageText(currentStage?.name, stage)}${again}` };
    }
  }
}

function resultSentence(result: StageResult | undefined): string {
  const { stage = 0, stageName, steps = 0, learners = [] } = result ?? {};
  const scores = learners.map(({ participant, best }) => {
    return `${participant} ${primaryText(best?.validation?.metrics) ?? 'unknown'}`;
  });
  return `${stageText(stageName, stage)} ended after ${steps} steps: ${scores.join(', ')}`;
}

/** The result of a run that has completed. */
function productOf({ currentStage, bestStage }: Pick<PhaseChanged, 'currentStage' | 'bestStage'>): string {
  if (currentStage && !isGeneration(currentStage.name)) return `the ${currentStage.decisive}`;
  return `the student of generation ${bestStage}`;
}

/** How the anchor moved. */
export function moveSentence(move: AnchorMove | undefined): Sentence {
  const { kind = AnchorMoveKind.ANCHOR_MOVE_KIND_UNSPECIFIED, stage = 0 } = move ?? {};
  const tone = kind === AnchorMoveKind.ANCHOR_MOVE_KIND_RULE ? 'good' : 'warning';
  return { tone, text: `the student of generation ${stage} became the anchor${BY[kind]}` };
}

const BY: Readonly<Record<AnchorMoveKind, string>> = {
  [AnchorMoveKind.ANCHOR_MOVE_KIND_RULE]: '',
  [AnchorMoveKind.ANCHOR_MOVE_KIND_OVERRIDE]: ' by an override',
  [AnchorMoveKind.ANCHOR_MOVE_KIND_ROLLBACK]: ' again by a rollback',
  [AnchorMoveKind.ANCHOR_MOVE_KIND_UNSPECIFIED]: '',
  [AnchorMoveKind.UNRECOGNIZED]: '',
};

function progressSentence({ participant, totalSteps, progress }: RoleProgress): string {
  const { nextStep = 0, terms = [], stepsPerSecond = 0 } = progress ?? {};
  const losses = terms.map(({ part, value }) => `${part} ${lossText(value, 3)}`);
  const values = [...losses, `${stepsPerSecond.toFixed(1)} steps/s`].join(', ');
  return `the ${participant} is at step ${nextStep} of ${totalSteps}: ${values}`;
}
