import { peerOf, type TrainedRole } from '@trikd/core/domain/role';
import { lossText } from '@trikd/events/words';
import { printable } from './printable.js';
import { phaseName, type RoleSummary, type RunSummary } from './run-summary.js';
import { clock } from './texts.js';

/** A summary as lines for a terminal: the run, then a line for each role. */
export function liveView(summary: RunSummary, columns: number): readonly string[] {
  const roles = (['student', 'teacher'] as const).map((role) => roleLine(summary, role));
  const lines = [headline(summary), ...roles, anchorLine(summary)];
  lines.push(...(summary.stalls ?? []));
  if (summary.alarm !== undefined) lines.push(`alarm: ${summary.alarm}`);
  return lines
    .map(printable)
    .map((line) => (line.length > columns ? `${line.slice(0, Math.max(0, columns - 1))}…` : line));
}

function headline(summary: RunSummary): string {
  const { runId, generation, generations, attempt, phase, committed } = summary;
  return [
    runId,
    `generation ${generation} (${generation + 1} of ${generations})`,
    phaseName(phase),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(committed === undefined ? [] : [`checkpoint at step ${committed}`]),
    ...(timeLeft(summary) ?? []),
  ].join(' · ');
}

function roleLine(summary: RunSummary, role: TrainedRole): string {
  const values = summary.roles[role];
  if (!values) return `${role}  waiting for its first step`;
  const total = summary.totalSteps ?? 0;
  return [
    role,
    `step ${String(values.step).padStart(String(total).length)}/${total}`,
    ...values.terms.map(({ part, value }) => `${part} ${lossText(value, 3)}`),
    `batch ${percent(values.batchAccuracy)}`,
    ...(values.validation === undefined ? [] : [`validation ${percent(values.validation)}`]),
    `${values.stepsPerSecond.toFixed(1)} steps/s`,
    ...waitsOf(values, role),
  ].join('  ');
}

function anchorLine({ anchor }: RunSummary): string {
  if (!anchor) return 'anchor   none in generation 0';
  const { generation, validation, test } = anchor;
  const scores = Object.entries({ validation, test }).flatMap(([split, accuracy]) =>
    accuracy === undefined ? [] : [`${split} ${percent(accuracy)}`],
  );
  return ['anchor ', `the student of generation ${generation}`, ...scores].join('  ');
}

function waitsOf({ waits }: RoleSummary, role: TrainedRole): string[] {
  const named = { peer: peerOf(role), anchor: 'anchor' } as const;
  const shares = (['peer', 'anchor'] as const).flatMap((source) => {
    const share = waits[source];
    return share === undefined ? [] : [`${named[source]} ${(100 * share).toFixed(0)} %`];
  });
  return shares.length === 0 ? [] : [`waits ${shares.join(' ')}`];
}

/** By the slower role; generations may end earlier. */
function timeLeft({ roles, totalSteps, generation, generations }: RunSummary): string[] | undefined {
  if (totalSteps === undefined) return undefined;
  const seconds = Object.values(roles)
    .filter(({ stepsPerSecond }) => stepsPerSecond > 0)
    .map(({ step, stepsPerSecond }) => {
      const steps = totalSteps - step + (generations - generation - 1) * totalSteps;
      return steps / stepsPerSecond;
    });
  return seconds.length === 0 ? undefined : [`at most ${clock(Math.max(...seconds))} left`];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
