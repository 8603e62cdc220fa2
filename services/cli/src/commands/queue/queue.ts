import { ownerText, type Queue } from '@trikd/events/queue';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { Run as RunMessage, RunPhase, runPhaseFromJSON } from '@trikd/protocol/gen/node/trikd/v1/run';
import Table from 'cli-table3';
import { type Paint, paintedPhase } from '../../terminal/paint.js';
import { printable } from '../../terminal/printable.js';
import { age, clock } from '../../terminal/texts.js';

/** The phases of runs that wait for a trio or have one. */
export const QUEUE_PHASES = [
  RunPhase.RUN_PHASE_QUEUED,
  RunPhase.RUN_PHASE_PREPARING,
  RunPhase.RUN_PHASE_TRAINING,
  RunPhase.RUN_PHASE_PROMOTING,
] as const;

const STYLE = { head: [], border: [], compact: true };

/** The queue, for people. */
export function queueText({ queued, placed }: Queue, now: Date, paint: Paint): string {
  return [waiting(queued, now), holding(placed, paint)].join('\n');
}

function waiting(queued: readonly Run[], now: Date): string {
  if (queued.length === 0) return 'no run waits for a trio';
  const table = new Table({
    head: ['position', 'run', 'owner', 'priority', 'waits for', 'reason'],
    colAligns: ['right', 'left', 'left', 'right', 'right', 'left'],
    style: STYLE,
  });
  for (const { runId, owner, placement, conditions } of queued) {
    table.push([
      String(placement?.waiting?.position ?? ''),
      printable(runId),
      printable(ownerText(owner)),
      String(placement?.priority ?? 0),
      age(placement?.queueTime, now),
      printable(conditions.find(({ type }) => type === 'Queued')?.message ?? ''),
    ]);
  }
  return table.toString();
}

function holding(placed: readonly Run[], paint: Paint): string {
  if (placed.length === 0) return 'no run has a trio';
  const table = new Table({
    head: ['trio', 'run', 'owner', 'priority', 'phase', 'done', 'time left'],
    colAligns: ['left', 'left', 'left', 'right', 'left', 'right', 'right'],
    style: STYLE,
  });
  for (const { runId, owner, placement, phase, progress } of placed) {
    const left = progress?.secondsRemaining;
    table.push([
      printable(placement?.trio ?? ''),
      printable(runId),
      printable(ownerText(owner)),
      String(placement?.priority ?? 0),
      paintedPhase(runPhaseFromJSON(phase), paint),
      progress && progress.stepsTotal > 0 ? `${Math.floor(progress.percent)} %` : '',
      left === undefined ? '' : clock(left),
    ]);
  }
  return table.toString();
}

/** The queue, for programs: messages in the JSON of protobuf. */
export function queueJson({ queued, placed }: Queue): object {
  const json = (runs: readonly Run[]) => runs.map((run) => RunMessage.toJSON(RunMessage.fromJSON(run)));
  return { queued: json(queued), placed: json(placed) };
}
