import { taskOf } from '@trikd/core/tasks/task-of';
import { drawing, isTerminal, type Shell, say } from '../shell.js';
import type { Cell } from './cells.js';
import type { Row } from './row.js';
import { durationText, timeLeft } from './time-left.js';

/** The progress of the runs of a study. */
export interface CellScreen {
  /** Replaces what is shown of the runs that train; on a terminal alone. */
  draw(texts: readonly string[]): void;
  /** Prints a line that stays. */
  persist(line: string): void;
  /** A run has ended. @param before the command: it says nothing about the speed */
  done(cell: Cell, row: Row, before?: boolean): void;
  /** Removes what was drawn. */
  clear(): void;
}

export function cellScreen(cells: readonly Cell[], shell: Shell): CellScreen {
  const clock = timeLeft(
    cells.map(({ compute }) => compute),
    () => performance.now() / 1e3,
  );
  const terminal = isTerminal(shell.stderr) ? drawing(shell.stderr) : undefined;
  const persist = (line: string) => (terminal ? terminal.persist(line) : say(shell, line));
  return {
    draw: (texts) => terminal?.draw(texts.join('   ')),
    persist,
    done(cell, row, before = false) {
      if (before) clock.skip(cell.compute);
      else clock.done(cell.compute);
      persist(doneText(cell, row, clock.text()));
    },
    clear: () => terminal?.clear(),
  };
}

function doneText({ spec }: Cell, { result, seconds }: Row, left: string): string {
  const { name } = taskOf(spec).primary;
  return `${spec.name}: validation ${name} ${result.validation[name]!.toFixed(4)} in ${durationText(seconds)}; ${left}`;
}

/** `3 runs` */
export function runsText(count: number): string {
  return count === 1 ? '1 run' : `${count} runs`;
}
