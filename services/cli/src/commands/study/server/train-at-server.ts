import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Placing, version } from '../../../options/args.js';
import { runTask } from '../../../run/task-process.js';
import { type ServerChoice, withServer } from '../../../server/ask.js';
import { type Shell, say } from '../../../terminal/shell.js';
import type { Cell } from '../cells.js';
import { appendRow, type Row, rowKey } from '../results-file.js';
import type { ScoredRun } from '../score-run.js';
import { type CellScreen, cellScreen, runsText } from '../time-left.js';
import { trainedResult } from '../trained-run.js';
import { type Limits, runOfCell, trainRuns } from './rounds.js';
import type { ScoreOptions } from './score-cell.js';
import { type ServerRun, type ServerRuns, serverRuns } from './server-runs.js';

/** The orchestrator that trains the runs of a study, and how. */
export interface StudyServer extends ServerChoice {
  readonly placing: Placing;
  /** Longest time without a connection, in seconds. */
  readonly patience: number;
}

/** Runs that have not ended, at most, unless the user says how many. */
const MOST_UNFINISHED = 64;

/** Runs that wait for a trio: enough that a trio which becomes free has the next one. */
const MOST_QUEUED = 2;

/** Runs that are named when the command ends before them. */
const MOST_NAMED = 8;

/**
 * Has an orchestrator train runs, and appends the row of each to a file when it has ended. The runs go on when the command ends.
 * @param workers runs that have not ended at once; undefined: as many as the orchestrator has trios
 */
export async function trainAtServer(
  cells: readonly Cell[],
  file: string,
  workers: number | undefined,
  server: StudyServer,
  shell: Shell,
): Promise<void> {
  const runs = cells.map(runOfCell);
  const cellOf = new Map(runs.map(({ runId }, index) => [runId, cells[index]!]));
  const limits: Limits = { unfinished: workers ?? MOST_UNFINISHED, queued: workers ?? MOST_QUEUED };
  say(shell, `${runsText(cells.length)} at ${server.server}${workers === undefined ? '' : `, ${workers} at once`}`);
  const screen = cellScreen(cells, shell);
  let unfinished: readonly ServerRun[] = [];
  try {
    await withServer(server, shell, (asking) => {
      const place = serverRuns(asking, server.placing);
      return trainRuns(
        runs,
        {
          runs: place,
          collect: (run, before) => collected(run, cellOf.get(run.runId)!, { place, file, screen, shell, before }),
          show: (shown) => {
            unfinished = shown;
            screen.draw(shown.map(progressText));
          },
          say: (line) => screen.persist(line),
          requestId: randomUUID,
          pause: (milliseconds) => pause(milliseconds, undefined, { signal: shell.rest }),
          now: () => performance.now() / 1e3,
          random: Math.random,
          patience: server.patience,
        },
        limits,
      );
    });
  } finally {
    screen.clear();
    if (unfinished.length > 0) say(shell, leftText(unfinished, server.server));
  }
}

interface Collecting {
  readonly place: ServerRuns;
  readonly file: string;
  readonly screen: CellScreen;
  readonly shell: Shell;
  readonly before: boolean;
}

/** Fetches the params of the result of a run, and what its events say. Returns what scores them and appends the row. */
async function collected(
  { runId, stages }: ServerRun,
  cell: Cell,
  { place, file, screen, shell, before }: Collecting,
): Promise<() => Promise<void>> {
  const { stage, learner, best } = trainedResult(cell.spec, stages);
  const { numerics, seconds } = await place.training(runId, { stage: stage.index, role: learner.slot });
  const folder = await mkdtemp(join(tmpdir(), 'trikd-study-'));
  const forget = () => rm(folder, { recursive: true, force: true });
  const params = join(folder, 'params.safetensors');
  try {
    await place.download(runId, best.params, params);
  } catch (error) {
    await forget();
    throw error;
  }
  return async () => {
    try {
      shell.rest.throwIfAborted();
      const options: ScoreOptions = { spec: cell.spec, stages, params };
      const program = new URL('./score-process.js', import.meta.url);
      const scored = JSON.parse(
        await runTask({ name: 'scoring', program, options }, shell, () => undefined),
      ) as ScoredRun;
      const row: Row = { ...rowKey(cell), version: version(), numerics, ...scored, seconds };
      appendRow(file, row);
      screen.done(cell, row, before);
    } finally {
      await forget();
    }
  };
}

/** `tiny-ce-0-0123456789ab 40 %` */
function progressText({ runId, phase, percent }: ServerRun): string {
  return `${runId} ${phase === 'training' ? `${Math.round(percent)} %` : phase}`;
}

/** What goes on when the command ends, and how to continue or end it. */
function leftText(runs: readonly ServerRun[], server: string): string {
  const names = runs.slice(0, MOST_NAMED).map(({ runId }) => runId);
  const others = runs.length > names.length ? ` and ${runs.length - names.length} more` : '';
  const subject = `${runsText(runs.length)} ${runs.length === 1 ? 'goes' : 'go'} on`;
  return `${subject} at ${server}: ${names.join(', ')}${others}\nthe same command continues the study; \`trikd runs cancel RUN --server ${server}\` ends a run`;
}
