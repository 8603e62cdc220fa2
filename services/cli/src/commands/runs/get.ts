import { bestOf, decisiveOf } from '@trikd/events/compare-runs';
import { moveSentence, stallSentence } from '@trikd/events/event-text';
import { isGeneration, primaryText, stageText } from '@trikd/events/names';
import { ownerText } from '@trikd/events/queue';
import type { AnchorMove } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { ConditionStatus, type Run, type RunCondition, type RunProgress } from '@trikd/protocol/gen/node/trikd/v1/run';
import { runJson } from '../../terminal/json-messages.js';
import { type Paint, paintedPhase } from '../../terminal/paint.js';
import { age, clock } from '../../terminal/texts.js';
import { stagesText } from '../generation/list.js';

/** The state of a run, for people. */
export function runText(run: Run, now: Date, paint: Paint): string {
  const { runId, phase, attempt, anchor, conditions, stages } = run;
  const facts: readonly (readonly [string, string])[] = [
    ['phase', paintedPhase(phase, paint)],
    ['stage', `${placeText(run)}, attempt ${attempt}`],
    ...placementFacts(run, now),
    ...progressFacts(run.progress),
    ...(anchor ? [['anchor', anchorText(anchor)] as const] : []),
    ...ageFact('created', run.createTime, now),
    ...ageFact('changed', run.updateTime, now),
    ...ageFact('ended', run.endTime, now),
    ...(run.failure === '' ? [] : [['failure', paint('red', run.failure)] as const]),
    ...run.stalls.map((stall) => ['waits', paint('yellow', stallSentence(stall))] as const),
    ...conditions.filter(holds).map((one) => ['condition', conditionText(one)] as const),
    ...runJson(run).anchorMoves.map((move) => ['anchor moved', moveText(move)] as const),
  ];
  return [
    `${paint('bold', 'run')} ${runId}`,
    ...facts.map(([name, text]) => `${name.padEnd(12)} ${text}`),
    ...(stages.length > 0 ? [stagesText(run)] : []),
  ].join('\n');
}

function placementFacts({ owner, placement }: Run, now: Date): readonly (readonly [string, string])[] {
  const { trio = '', priority = 0, waiting, queueTime } = placement ?? {};
  const since = age(queueTime?.toISOString(), now);
  return [
    ...(owner ? [['owner', ownerText(owner)] as const] : []),
    ...(priority === 0 ? [] : [['priority', String(priority)] as const]),
    ...(trio === '' ? [] : [['trio', trio] as const]),
    ...(waiting
      ? [['queue', `position ${waiting.position} of ${waiting.length}${since === '' ? '' : `, for ${since}`}`] as const]
      : []),
  ];
}

function progressFacts(progress: RunProgress | undefined): readonly (readonly [string, string])[] {
  if (!progress || progress.stepsTotal === 0) return [];
  const { stepsDone, stepsTotal, percent: done, stepsPerSecond, secondsRemaining } = progress;
  const speed = stepsPerSecond > 0 ? `, ${stepsPerSecond.toFixed(1)} steps/s` : '';
  const left = secondsRemaining === undefined ? '' : `, at most ${clock(secondsRemaining)} left`;
  return [['progress', `${stepsDone} of at most ${stepsTotal} steps, ${done.toFixed(1)} %${speed}${left}`]];
}

function anchorText({ stage, validation, test }: NonNullable<Run['anchor']>): string {
  const scores = [
    ...(validation ? [`validation ${primaryText(validation.metrics)}`] : []),
    ...(test ? [`test ${primaryText(test.metrics)}`] : []),
  ];
  return [`the student of generation ${stage}`, ...scores].join(', ');
}

function ageFact(name: string, time: Date | undefined, now: Date): readonly (readonly [string, string])[] {
  return time ? [[name, `${age(time.toISOString(), now)} ago, ${time.toISOString()}`]] : [];
}

/** Conditions that are false are not shown; those whose status is unknown are. */
function holds({ status }: RunCondition): boolean {
  return status !== ConditionStatus.CONDITION_STATUS_FALSE;
}

function conditionText({ type, status, reason, message }: RunCondition): string {
  const known = status === ConditionStatus.CONDITION_STATUS_TRUE ? '' : ' (unknown)';
  const why = [reason, message].filter((part) => part !== '').join(': ');
  return `${type}${known}${why === '' ? '' : `, ${why}`}`;
}

function moveText(move: AnchorMove): string {
  const when = move.time === undefined ? '' : `, ${move.time}`;
  return `${moveSentence(move).text}, in generation ${move.during}${when}`;
}

/** Whether the stage that a run is in is a generation; where it has no name, it is. */
export function ofGenerations({ currentStage }: Run): boolean {
  return currentStage === undefined || isGeneration(currentStage.name);
}

/** The stage that a run is in: the number of a generation, or the index and the name of another stage. */
export function placeText(run: Run): string {
  const { stage, currentStage } = run;
  return ofGenerations(run) ? String(stage) : `${stage} ${currentStage?.name}`;
}

/** The model that a run has come to so far: `student of generation 2`; empty before there is one. */
export function productText(run: Run): string {
  const best = bestOf(run);
  return best ? `${decisiveOf(best, run)} of ${stageText(best.stageName, best.stage)}` : '';
}
