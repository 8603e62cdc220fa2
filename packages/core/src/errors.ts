/** What went wrong, from the point of view of somebody who must decide what to do next. */
export type ErrorKind =
  | 'invalid'
  | 'not-found'
  | 'wrong-state'
  | 'out-of-step'
  | 'diverged'
  | 'corrupt'
  | 'unavailable';

/** The one error that rules throw. The message is one lower-case sentence with the numbers in it. */
export class TrikdError extends Error {
  override readonly name = 'TrikdError';

  constructor(
    readonly kind: ErrorKind,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
