import {
  type ListRunsResponse,
  type Run,
  Run as RunMessage,
  RunPhase,
  UnreadableRun as UnreadableMessage,
  type UnreadableRun,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { unary } from '@trikd/transport/grpc/clients';
import Table from 'cli-table3';
import { type Paint, paintedPhase } from '../paint.js';
import { printable } from '../printable.js';
import type { Asking } from '../server/ask.js';
import { age, clock } from '../texts.js';
import { ofGenerations, placeText, productText } from './place-text.js';

/** All runs of a server. */
export interface RunList {
  readonly runs: readonly Run[];
  readonly unreadable: readonly UnreadableRun[];
}

const PAGE_SIZE = 200;

/** Reads all pages of the list. @param phases empty: all */
export async function allRuns({ client, how }: Asking, phases: readonly RunPhase[]): Promise<RunList> {
  const pages: ListRunsResponse[] = [];
  let pageToken = '';
  do {
    const request = { pageSize: PAGE_SIZE, pageToken, phases: [...phases] };
    const page = await unary(client.listRuns.bind(client), request, how);
    pages.push(page);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return { runs: pages.flatMap(({ runs }) => runs), unreadable: pages.flatMap(({ unreadable }) => unreadable) };
}

/** The list, for people. */
export function listText({ runs, unreadable }: RunList, now: Date, paint: Paint): string {
  const damaged = unreadable.map(
    ({ runId, reason }) => `${paint('red', 'unreadable')}  ${printable(runId)}: ${printable(reason)}`,
  );
  if (runs.length === 0) return [...damaged, 'no runs'].join('\n');
  const table = new Table({
    head: [
      'run',
      'phase',
      runs.every(ofGenerations) ? 'generation' : 'stage',
      'done',
      'steps/s',
      'time left',
      'result',
      'changed',
    ],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'left', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const run of runs) table.push(row(run, now, paint));
  return [table.toString(), ...damaged].join('\n');
}

/** The list, for programs: messages in the JSON of protobuf. */
export function listJson({ runs, unreadable }: RunList): object {
  return {
    runs: runs.map((run) => RunMessage.toJSON(run)),
    unreadable: unreadable.map((one) => UnreadableMessage.toJSON(one)),
  };
}

/** The position of a queued run, where it is known. */
function positionOf({ placement }: Run): string {
  return placement?.waiting ? `, position ${placement.waiting.position}` : '';
}

function row(run: Run, now: Date, paint: Paint): string[] {
  const { runId, phase, progress, updateTime } = run;
  const waits = run.stalls.length > 0 ? ', stalled' : '';
  const changed = age(updateTime?.toISOString(), now);
  return [
    printable(runId),
    `${paintedPhase(phase, paint)}${waits}${positionOf(run)}`,
    placeText(run),
    progress && progress.stepsTotal > 0 ? `${Math.floor(progress.percent)} %` : '',
    progress && progress.stepsPerSecond > 0 ? progress.stepsPerSecond.toFixed(1) : '',
    progress?.secondsRemaining === undefined ? '' : clock(progress.secondsRemaining),
    productText(run),
    changed === '' ? '' : `${changed} ago`,
  ];
}
