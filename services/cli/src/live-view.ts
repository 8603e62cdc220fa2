import { peerOf, type TrainedRole } from '@trikd/core/position';
import { printable } from './printable.js';
import { phaseName, type RoleStory, type Story } from './story.js';
import { clock } from './texts.js';

/** The story in hand as lines for a terminal: how the run stands, then one line a role. */
export function liveView(story: Story, columns: number): readonly string[] {
  const roles = (['student', 'teacher'] as const).map((role) => roleLine(story, role));
  const lines = [headline(story), ...roles, anchorLine(story)];
  lines.push(...(story.stalls ?? []));
  if (story.alarm !== undefined) lines.push(`look: ${story.alarm}`);
  return lines
    .map(printable)
    .map((line) => (line.length > columns ? `${line.slice(0, Math.max(0, columns - 1))}…` : line));
}

function headline(story: Story): string {
  const { runId, generation, generations, attempt, phase, committed } = story;
  return [
    runId,
    `generation ${generation} of 0 to ${generations - 1}`,
    phaseName(phase),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(committed === undefined ? [] : [`checkpoint at step ${committed}`]),
    ...(timeLeft(story) ?? []),
  ].join(' · ');
}

function roleLine(story: Story, role: TrainedRole): string {
  const told = story.roles[role];
  if (!told) return `${role}  waiting for its first step`;
  const total = story.totalSteps ?? 0;
  return [
    role,
    `step ${String(told.step).padStart(String(total).length)}/${total}`,
    ...told.terms.map(({ part, value }) => `${part} ${value.toFixed(3)}`),
    `batch ${percent(told.batchAccuracy)}`,
    ...(told.validation === undefined ? [] : [`validation ${percent(told.validation)}`]),
    `${told.stepsPerSecond.toFixed(1)} steps/s`,
    ...waitsOf(told, role),
  ].join('  ');
}

function anchorLine({ anchor }: Story): string {
  if (!anchor) return 'anchor   none in generation 0';
  const { generation, validation, test } = anchor;
  const scores = Object.entries({ validation, test }).flatMap(([split, accuracy]) =>
    accuracy === undefined ? [] : [`${split} ${percent(accuracy)}`],
  );
  return ['anchor ', `the student of generation ${generation}`, ...scores].join('  ');
}

function waitsOf({ waits }: RoleStory, role: TrainedRole): string[] {
  const named = { peer: peerOf(role), anchor: 'anchor' } as const;
  const shares = (['peer', 'anchor'] as const).flatMap((source) => {
    const share = waits[source];
    return share === undefined ? [] : [`${named[source]} ${(100 * share).toFixed(0)} %`];
  });
  return shares.length === 0 ? [] : [`waits ${shares.join(' ')}`];
}

/** The slower role decides. At most: generations may end early. */
function timeLeft({ roles, totalSteps, generation, generations }: Story): string[] | undefined {
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
