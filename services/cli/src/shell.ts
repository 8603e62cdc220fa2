/** A stream that may be a terminal. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** What a command is started from: it writes there, reads there, and is called off there. */
export interface Shell {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Has the result alone. */
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the command is to come to an end in order. */
  readonly rest: AbortSignal;
  /** Aborts when everything is to end at once. */
  readonly end: AbortSignal;
}

/** Writes a line of the result. */
export function print({ stdout }: Shell, text: string): void {
  stdout.write(`${text}\n`);
}

/** Says something that is no result. */
export function say({ stderr }: Shell, text: string): void {
  stderr.write(`${text}\n`);
}

/** Whether somebody looks on. Drawing in place takes a terminal that knows its size: one of 0 columns would show nothing at all. */
export function isTerminal({ isTTY, columns = 0, rows = 0 }: Output): boolean {
  return isTTY === true && columns > 0 && rows > 0;
}
