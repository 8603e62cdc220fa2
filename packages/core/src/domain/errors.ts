/** What went wrong, from the point of view of the caller that must decide what to do next. */
export const ERROR_KINDS = [
  'invalid',
  'not-found',
  'wrong-state',
  'out-of-step',
  'diverged',
  'corrupt',
  'unavailable',
  /** The caller has not proved who it is. */
  'unauthenticated',
  /** The caller may not do this. */
  'forbidden',
  /** A limit or a quota is reached for now; the same request may succeed later. */
  'exhausted',
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

/** Why something failed: the kind of a TrikdError, or 'internal' for any other error. */
export const FAILURE_KINDS = [...ERROR_KINDS, 'internal'] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];

export function isFailureKind(text: string): text is FailureKind {
  return FAILURE_KINDS.some((kind) => kind === text);
}

/** Messages quote names and texts, which a damaged file may make arbitrarily long; a gRPC trailer cannot carry that. */
const LONGEST_MESSAGE = 4000;

/** The error that all rules throw. The message is one lower-case sentence that includes the numbers. */
export class TrikdError extends Error {
  override readonly name = 'TrikdError';

  constructor(
    readonly kind: ErrorKind,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(shortened(visible(message)), options);
  }
}

/** A text whose control characters, line breaks excepted, are escapes such as `\u001b`: it may quote what an attacker wrote. */
export function visible(text: string): string {
  return text.replaceAll(/(?!\n)\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function shortened(message: string): string {
  return message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE).toWellFormed()}...` : message;
}

/** What was thrown, in words. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** For `catch`: what does not exist is undefined. @throws any other error */
export function undefinedIfAbsent(error: unknown): undefined {
  if (error instanceof TrikdError && error.kind === 'not-found') return undefined;
  throw error;
}
