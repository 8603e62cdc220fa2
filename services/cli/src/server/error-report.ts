import { type ErrorKind, TrikdError } from '@trikd/core/domain/errors';
import { factsOf, violationsOf } from '@trikd/protocol/status';
import { type Shell, say } from '../terminal/shell.js';

/** What a command was about. */
export interface ErrorContext {
  readonly runId?: string;
  /** Of a command that changes a run. */
  readonly requestId?: string;
  /** No server was called. */
  readonly offline?: boolean;
}

const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 3,
  'not-found': 3,
  'wrong-state': 3,
  'out-of-step': 3,
  diverged: 1,
  corrupt: 1,
  unavailable: 4,
  unauthenticated: 3,
  forbidden: 3,
  exhausted: 3,
};

/**
 * Exit status of a command that failed: 3 when there is no such run or the request was rejected, 4 without an answer, otherwise 1. Offline
 * an `invalid` error is a mistake in a file, so that it is 1.
 */
export function exitStatusFor(kind: ErrorKind, { offline = false }: ErrorContext = {}): number {
  return offline && kind === 'invalid' ? 1 : STATUS[kind];
}

/** Appended by the gRPC library when it has no note. */
const EMPTY_NOTE = / Resolution note: $/;

/** The message of an error, without what the gRPC library appends to it for nothing. */
export function plainMessage({ message }: Error): string {
  return message.replace(EMPTY_NOTE, '');
}

/** The error, the fields that caused it, and what to do now. */
export function errorText(error: TrikdError, context: ErrorContext): string {
  const fields = violationsOf(error)
    .filter(({ description }) => !error.message.includes(description))
    .map(({ field, description }) => `  ${field}: ${description}`);
  return [`trikd: ${plainMessage(error)}`, ...fields, ...advice(error, context)].join('\n');
}

function advice(error: TrikdError, { runId, requestId, offline }: ErrorContext): readonly string[] {
  const { kind } = error;
  if (offline) return [];
  if (kind === 'not-found') return ['`trikd runs list` lists all runs'];
  if (kind === 'wrong-state' && runId !== undefined) {
    // A run that has to wait for another one does not exist yet.
    const { run = runId } = factsOf(error);
    return run === runId
      ? [`\`trikd runs get ${run}\` shows its state`]
      : [`\`trikd runs wait ${run}\` waits until it ends`];
  }
  if (kind === 'unauthenticated') return ['`trikd login` logs you in; programs use --token-file or TRIKD_TOKEN'];
  if (kind !== 'unavailable') return [];
  const retry =
    requestId === undefined
      ? []
      : [`the request may have been applied; a retry with --request-id ${requestId} is safe`];
  return [
    ...retry,
    '--server HOST:PORT or TRIKD_SERVER names another orchestrator; `trikd doctor` looks for the cause',
  ];
}

/** Does some work; prints a TrikdError that it throws, and reports the exit status. */
export async function withErrorReport(
  shell: Shell,
  finish: (status: number) => void,
  context: ErrorContext,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    say(shell, errorText(error, context));
    finish(exitStatusFor(error.kind, context));
  }
}
