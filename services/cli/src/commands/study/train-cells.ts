import { availableParallelism } from 'node:os';
import { version } from '../../options/args.js';
import { runTask } from '../../run/task-process.js';
import { type Shell, say } from '../../terminal/shell.js';
import type { Cell } from './cells.js';
import { appendRow, type Row, rowKey } from './results-file.js';
import { type StudyServer, trainAtServer } from './server/train-at-server.js';
import { cellScreen, runsText } from './time-left.js';
import type { CellOptions, CellResult } from './train-cell.js';

/**
 * Trains runs, each in a process of its own, and appends the row of each to a file when it ends.
 * @param workers runs at once; undefined: as many as the processors allow
 */
async function trainCells(
  cells: readonly Cell[],
  file: string,
  workersAsked: number | undefined,
  shell: Shell,
): Promise<void> {
  const threads = cells[0]!.spec.engine.threads;
  const workers = workersAsked ?? Math.max(1, Math.floor(availableParallelism() / threads));
  say(
    shell,
    `${runsText(cells.length)}, ${workers} at once, ${threads === 1 ? '1 thread' : `${threads} threads`} each`,
  );
  const screen = cellScreen(cells, shell);
  const current = new Map<string, string>();
  try {
    await inPool(cells, workers, async (cell) => {
      const program = new URL('./cell-process.js', import.meta.url);
      const task = { name: 'run', program, options: { spec: cell.spec } satisfies CellOptions };
      const text = await runTask(task, shell, (name, step, all) => {
        current.set(name, `${name} ${Math.round((100 * step) / all)} %`);
        screen.draw([...current.values()]);
      });
      current.delete(cell.spec.name);
      const row: Row = { ...rowKey(cell), version: version(), ...(JSON.parse(text) as CellResult) };
      appendRow(file, row);
      screen.done(cell, row);
    });
  } finally {
    screen.clear();
  }
}

/** Where runs train, and how many at once. */
export interface Where {
  /** Absent: as many as there is room for. */
  readonly workers?: number;
  /** Absent: this machine. */
  readonly server?: StudyServer;
}

/** Trains runs, and appends the row of each to a file when it has ended. */
export function train(cells: readonly Cell[], file: string, { workers, server }: Where, shell: Shell): Promise<void> {
  return server ? trainAtServer(cells, file, workers, server, shell) : trainCells(cells, file, workers, shell);
}

/**
 * Does jobs in their order, several at once. The first that fails ends the others that have not begun; those that have are waited for.
 * @throws what the first that failed threw
 */
export async function inPool<Job>(
  jobs: readonly Job[],
  workers: number,
  work: (job: Job) => Promise<void>,
): Promise<void> {
  const pending = [...jobs];
  const failures: unknown[] = [];
  const worker = async () => {
    for (let job = pending.shift(); job !== undefined && failures.length === 0; job = pending.shift()) {
      await work(job).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
  if (failures.length > 0) throw failures[0];
}
