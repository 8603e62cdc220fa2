import { sentenceOf, stallSentence, waitSentence } from '@trikd/events/event-text';
import { isGeneration, lossText, percent, phaseName, primaryText, stageText } from '@trikd/events/names';
import type { RunHistory } from '@trikd/events/run-history';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import type { WaitShare } from '@trikd/protocol/gen/browser/trikd/v1/trainer';
import { printable } from './printable.js';
import { clock } from './texts.js';

/** A run as lines for a terminal: its phase, one line per model, what it waits for. */
export function terminalView(history: RunHistory, columns: number): readonly string[] {
  const { run, stages } = history;
  if (!run) return [];
  const present = stages.find(({ stage }) => stage === run.stage);
  const waits = waitSentence(run);
  const learners = run.currentStage?.learners ?? UNNAMED;
  const models = [...learners.map((name) => learnerLine(run, name)), ...frozenLines(run)];
  const width = Math.max(...models.map(([name]) => name.length));
  const lines = [
    headline(run, present?.committed),
    ...models.map(([name, ...values]) => [name.padEnd(width), ...values].join('  ')),
    ...(waits ? [waits] : []),
    ...run.stalls.map(stallSentence),
  ];
  if (present?.alarm) lines.push(`alarm: ${sentenceOf({ $case: 'alarm', value: present.alarm }).text}`);
  return lines
    .map(printable)
    .map((line) => (line.length > columns ? `${line.slice(0, Math.max(0, columns - 1))}…` : line));
}

/** Learners of a run whose server does not name them. */
const UNNAMED = ['student', 'teacher'];

function headline(
  { runId, stage, currentStage, stageCount, attempt, phase, progress }: Run,
  committed: number | undefined,
): string {
  const left = progress?.secondsRemaining;
  return [
    runId,
    `${stageText(currentStage?.name, stage)}${stageCount === 0 ? '' : ` (${stage + 1} of ${stageCount})`}`,
    phaseName(phase),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(committed === undefined ? [] : [`checkpoint at step ${committed}`]),
    ...(left === undefined ? [] : [`at most ${clock(left)} left`]),
  ].join(' · ');
}

/** The name of a model, and what is known of it. */
type ModelLine = readonly [name: string, ...values: string[]];

function learnerLine({ progress, currentStage }: Run, name: string): ModelLine {
  const newest = progress?.roles.find(({ participant }) => participant === name);
  const values = newest?.progress;
  if (!newest || !values) return [name, 'waiting for its first step'];
  const evaluation = progress?.evaluations.find(({ participant }) => participant === name)?.evaluation;
  const total = newest.totalSteps;
  return [
    name,
    `step ${String(values.nextStep).padStart(String(total).length)}/${total}`,
    ...values.terms.map(({ part, value }) => `${part} ${lossText(value, 3)}`),
    ...scored('batch', values.batchMetrics),
    ...scored('validation', evaluation?.validation?.metrics),
    `${values.stepsPerSecond.toFixed(1)} steps/s`,
    ...waitsOf(values.waits, currentStage?.frozen ?? [ANCHOR]),
  ];
}

/** The frozen model of a stage. Of this one alone the run has the scores. */
const ANCHOR = 'anchor';

function frozenLines({ anchor, currentStage, stage }: Run): readonly ModelLine[] {
  const names = currentStage?.frozen ?? (anchor ? [ANCHOR] : []);
  if (names.length === 0) {
    // A pair without an anchor is to make the first one.
    const first = !currentStage || (isGeneration(currentStage.name) && currentStage.learners.length === 2);
    return first ? [[ANCHOR, `none in ${stageText(currentStage?.name, stage)}`]] : [];
  }
  return names.map((name) => {
    if (name !== ANCHOR || !anchor) return [name, 'frozen'];
    const { validation, test } = anchor;
    const scores = Object.entries({ validation, test }).flatMap(([split, score]) => scored(split, score?.metrics));
    return [name, `the student of generation ${anchor.stage}`, ...scores];
  });
}

/** The primary metric on a split, if it is known. */
function scored(split: string, metrics: Readonly<Record<string, number>> | undefined): readonly string[] {
  const text = primaryText(metrics, 1);
  return text === undefined ? [] : [`${split} ${text}`];
}

/** Learners before frozen models. */
function waitsOf(waits: readonly WaitShare[], frozen: readonly string[]): string[] {
  const named = waits.map(({ participant, share }) => [participant, percent(share, 0)] as const);
  const ordered = [...named].sort(([a], [b]) => Number(frozen.includes(a)) - Number(frozen.includes(b)));
  return ordered.length === 0 ? [] : [`waits ${ordered.map((each) => each.join(' ')).join(' ')}`];
}
