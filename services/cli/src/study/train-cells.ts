import { availableParallelism } from 'node:os';
import { taskOf } from '@trikd/core/tasks/task-of';
import { version } from '../args.js';
import { runTask } from '../run-task.js';
import { type Drawing, drawing, isTerminal, type Shell, say } from '../shell.js';
import type { Cell } from './cells.js';
import { inPool } from './pool.js';
import { appendRow } from './results-file.js';
import type { Row } from './row.js';
import { durationText, timeLeft } from './time-left.js';
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
  const clock = timeLeft(
    cells.map(({ compute }) => compute),
    () => performance.now() / 1e3,
  );
  say(shell, `${cells.length} runs, ${workers} at once, ${threads === 1 ? '1 thread' : `${threads} threads`} each`);
  const screen = progressOn(shell);
  const current = new Map<string, string>();
  try {
    await inPool(cells, workers, async (cell) => {
      const program = new URL('./cell-process.js', import.meta.url);
      const task = { name: 'run', program, options: { spec: cell.spec } satisfies CellOptions };
      const text = await runTask(task, shell, (name, step, all) => {
        current.set(name, `${name} ${Math.round((100 * step) / all)} %`);
        screen.draw([...current.values()].join('   '));
      });
      current.delete(cell.spec.name);
      const row: Row = { ...rowKey(cell), version: version(), ...(JSON.parse(text) as CellResult) };
      appendRow(file, row);
      clock.done(cell.compute);
      screen.persist(doneText(cell, row, clock.text()));
    });
  } finally {
    screen.clear();
  }
}

/** Draws on a terminal; elsewhere only the lines that stay are written. */
function progressOn(shell: Shell): Pick<Drawing, 'draw' | 'persist' | 'clear'> {
  if (isTerminal(shell.stderr)) return drawing(shell.stderr);
  return { draw: () => undefined, persist: (text) => say(shell, text), clear: () => undefined };
}

function rowKey({ setting, arm, seed, digest }: Cell): Pick<Row, 'setting' | 'arm' | 'seed' | 'digest'> {
  return { setting, arm, seed, digest };
}

function doneText({ spec }: Cell, { result, seconds }: Row, left: string): string {
  const { name } = taskOf(spec).primary;
  return `${spec.name}: validation ${name} ${result.validation[name]!.toFixed(4)} in ${durationText(seconds)}; ${left}`;
}
