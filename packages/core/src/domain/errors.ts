/** What went wrong, from the point of view of somebody who must decide what to do next. */
export type ErrorKind =
  | 'invalid'
  | 'not-found'
  | 'wrong-state'
  | 'out-of-step'
  | 'diverged'
  | 'corrupt'
  | 'unavailable';

/** A sentence quotes names and texts that a damaged file may have made as long as it likes; a gRPC trailer cannot carry that. */
const LONGEST_MESSAGE = 4000;

/** The one error that rules throw. The message is one lower-case sentence with the numbers in it. */
export class TrikdError extends Error {
  override readonly name = 'TrikdError';

  constructor(
    readonly kind: ErrorKind,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(shortened(message), options);
  }
}

function shortened(message: string): string {
  return message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE).toWellFormed()}...` : message;
}
