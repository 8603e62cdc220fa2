import { taskOf } from '@trikd/core/tasks/task-of';
import { drawing, isTerminal, type Shell, say } from '../../terminal/shell.js';
import type { Cell } from './cells.js';
import type { Row } from './results-file.js';

/** How long the rest of much work takes, by what it costs. */
export interface TimeLeft {
  /** @param cost of a job that has ended */
  done(cost: number): void;
  /** @param cost of a job that had ended before: it says nothing about the speed */
  skip(cost: number): void;
  /** `3 of 20 done, 4 min left` */
  text(): string;
}

/** @param costs of all jobs, in any unit @param now in seconds */
export function timeLeft(costs: readonly number[], now: () => number): TimeLeft {
  const started = now();
  let all = costs.reduce((sum, cost) => sum + cost, 0);
  let [count, spent] = [0, 0];
  return {
    done(cost) {
      count++;
      spent += cost;
    },
    skip(cost) {
      count++;
      all -= cost;
    },
    text() {
      const counted = `${count} of ${costs.length} done`;
      if (spent === 0 || count === costs.length) return counted;
      return `${counted}, ${durationText(((now() - started) * (all - spent)) / spent)} left`;
    },
  };
}

/** `34 s`, `12 min`, `3 h 5 min` */
export function durationText(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `12.3 billion multiply-adds` */
export function computeText(multiplyAdds: number): string {
  return `${Number((multiplyAdds / 1e9).toPrecision(3))} billion multiply-adds`;
}

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
