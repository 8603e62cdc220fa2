import { primaryText } from '@trikd/events/metric-text';
import { lossText, percent, phaseName, roleName, type TrainedRole } from '@trikd/events/names';
import type { RunHistory } from '@trikd/events/run-history';
import { sentenceOf, stallSentence, waitSentence } from '@trikd/events/sentences';
import { generationsIn } from '@trikd/events/spec-text';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import type { WaitShare } from '@trikd/protocol/gen/browser/trikd/v1/trainer';
import { printable } from './printable.js';
import { clock } from './texts.js';

/** A run as lines for a terminal: its phase, one line per role, what it waits for. */
export function terminalView(history: RunHistory, columns: number): readonly string[] {
  const { run, generations } = history;
  if (!run) return [];
  const present = generations.find(({ generation }) => generation === run.generation);
  const waits = waitSentence(run);
  const lines = [
    headline(run, present?.committed),
    ...(['student', 'teacher'] as const).map((role) => roleLine(run, role)),
    anchorLine(run),
    ...(waits ? [waits] : []),
    ...run.stalls.map(stallSentence),
  ];
  if (present?.alarm) lines.push(`alarm: ${sentenceOf({ $case: 'alarm', value: present.alarm }).text}`);
  return lines
    .map(printable)
    .map((line) => (line.length > columns ? `${line.slice(0, Math.max(0, columns - 1))}…` : line));
}

function headline({ runId, spec, generation, attempt, phase, progress }: Run, committed: number | undefined): string {
  const left = progress?.secondsRemaining;
  const budget = generationsIn(spec);
  return [
    runId,
    `generation ${generation}${budget === undefined ? '' : ` (${generation + 1} of ${budget})`}`,
    phaseName(phase),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(committed === undefined ? [] : [`checkpoint at step ${committed}`]),
    ...(left === undefined ? [] : [`at most ${clock(left)} left`]),
  ].join(' · ');
}

function roleLine({ progress }: Run, role: TrainedRole): string {
  const newest = progress?.roles.find((each) => roleName(each.role) === role);
  const values = newest?.progress;
  if (!newest || !values) return `${role}  waiting for its first step`;
  const evaluation = progress?.evaluations.find((each) => roleName(each.role) === role)?.evaluation;
  const total = newest.totalSteps;
  return [
    role,
    `step ${String(values.nextStep).padStart(String(total).length)}/${total}`,
    ...values.terms.map(({ part, value }) => `${part} ${lossText(value, 3)}`),
    ...scored('batch', values.batchMetrics),
    ...scored('validation', evaluation?.validation?.metrics),
    `${values.stepsPerSecond.toFixed(1)} steps/s`,
    ...waitsOf(values.waits),
  ].join('  ');
}

function anchorLine({ anchor }: Run): string {
  if (!anchor) return 'anchor   none in generation 0';
  const { generation, validation, test } = anchor;
  const scores = Object.entries({ validation, test }).flatMap(([split, score]) => scored(split, score?.metrics));
  return ['anchor ', `the student of generation ${generation}`, ...scores].join('  ');
}

/** The primary metric on a split, if it is known. */
function scored(split: string, metrics: Readonly<Record<string, number>> | undefined): readonly string[] {
  const text = primaryText(metrics, 1);
  return text === undefined ? [] : [`${split} ${text}`];
}

/** The peer before the anchor. */
function waitsOf(waits: readonly WaitShare[]): string[] {
  const named = waits.map(({ peer, share }) => [roleName(peer), percent(share, 0)] as const);
  const ordered = [...named.filter(([name]) => name !== 'anchor'), ...named.filter(([name]) => name === 'anchor')];
  return ordered.length === 0 ? [] : [`waits ${ordered.map((each) => each.join(' ')).join(' ')}`];
}
