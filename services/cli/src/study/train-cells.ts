import { availableParallelism } from 'node:os';
import { version } from '../args.js';
import { runTask } from '../run-task.js';
import { type Shell, say } from '../shell.js';
import { cellScreen, runsText } from './cell-screen.js';
import type { Cell } from './cells.js';
import { inPool } from './pool.js';
import { appendRow } from './results-file.js';
import { type Row, rowKey } from './row.js';
import type { CellOptions, CellResult } from './train-cell.js';

/**
 * Trains runs, each in a process of its own, and appends the row of each to a file when it ends.
 * @param workers runs at once; undefined: as many as the processors allow
 */
export async function trainCells(
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
