import { createLogUpdate } from 'log-update';
import { ownTextOnly } from './printable.js';

/** A stream that may be a terminal. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** The environment that a command is started from. All of its output goes through the functions of this file. */
export interface Shell {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Gets the result and nothing else. */
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the command should end in order. */
  readonly rest: AbortSignal;
  /** Aborts when everything should end at once. */
  readonly end: AbortSignal;
}

/** Prints a line of the result. */
export function print({ stdout }: Pick<Shell, 'stdout'>, text: string): void {
  write(stdout, `${text}\n`);
}

/** Prints a line that is not part of the result. */
export function say({ stderr }: Pick<Shell, 'stderr'>, text: string): void {
  write(stderr, `${text}\n`);
}

/** Writes text in which names, paths and errors of peers may be: none of them can control the terminal. */
export function write(output: { write(text: string): unknown }, text: string): void {
  output.write(ownTextOnly(text));
}

/** Text that is redrawn in place. */
export interface Drawing {
  /** Replaces what was drawn. */
  readonly draw: (text: string) => void;
  /** Prints a line above it that stays. */
  readonly persist: (text: string) => void;
  /** Removes it. */
  readonly clear: () => void;
  /** Leaves it as it is. */
  readonly done: () => void;
}

/** Draws in place, as safely as {@link write}. */
export function drawing(terminal: Output): Drawing {
  const update = createLogUpdate(terminal);
  return {
    draw: (text) => update(ownTextOnly(text)),
    persist: (text) => update.persist(ownTextOnly(text)),
    clear: update.clear,
    done: update.done,
  };
}

/** Whether a stream is a terminal that can be drawn on: one of unknown size, with 0 columns, would show nothing. */
export function isTerminal({ isTTY, columns = 0, rows = 0 }: Output): boolean {
  return isTTY === true && columns > 0 && rows > 0;
}

/** Does long work and shows its progress on a terminal, on standard error, until it is done. */
export async function withProgress<T>(
  { stderr }: Shell,
  work: (report: (text: string) => void) => Promise<T>,
): Promise<T> {
  if (!isTerminal(stderr)) return await work(() => undefined);
  const { draw, clear } = drawing(stderr);
  return await work(draw).finally(clear);
}
