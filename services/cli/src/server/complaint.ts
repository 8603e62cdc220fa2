import { type ErrorKind, TrikdError } from '@trikd/core/domain/errors';
import { violationsOf } from '@trikd/protocol/violations';
import { type Shell, say } from '../shell.js';

/** What a command was about when it was refused. */
export interface Circumstances {
  readonly runId?: string;
  /** Of a command that changes a run. */
  readonly requestId?: string;
  /** No server was asked. */
  readonly offline?: boolean;
}

/** Exit status of a command whose server refused: 3 when it knows no such thing or its state forbids it, 4 when nobody answered. */
export function statusOfRefusal(kind: ErrorKind): number {
  return STATUS[kind];
}

const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 1,
  'not-found': 3,
  'wrong-state': 3,
  'out-of-step': 3,
  diverged: 1,
  corrupt: 1,
  unavailable: 4,
};

/** What the gRPC library appends when it has nothing to say. */
const EMPTY_NOTE = / Resolution note: $/;

/** What went wrong, which fields are to blame, and what to do now. */
export function complaint(error: TrikdError, circumstances: Circumstances): string {
  const blamed = violationsOf(error)
    .filter(({ description }) => !error.message.includes(description))
    .map(({ field, description }) => `  ${field}: ${description}`);
  return [`trikd: ${error.message.replace(EMPTY_NOTE, '')}`, ...blamed, ...advice(error.kind, circumstances)].join(
    '\n',
  );
}

function advice(kind: ErrorKind, { runId, requestId, offline }: Circumstances): readonly string[] {
  if (offline) return [];
  if (kind === 'not-found') return ['`trikd runs list` shows the runs that there are'];
  if (kind === 'wrong-state' && runId !== undefined) return [`\`trikd runs get ${runId}\` shows where it stands`];
  if (kind !== 'unavailable') return [];
  const again =
    requestId === undefined
      ? []
      : [`it may have been done all the same; asking again with --request-id ${requestId} does nothing twice`];
  return [
    ...again,
    '--server HOST:PORT or TRIKD_SERVER names another orchestrator; `trikd doctor` looks for the cause',
  ];
}

/** Does something, or complains and tells the exit status. */
export async function orComplaint(
  shell: Shell,
  finish: (status: number) => void,
  about: Circumstances,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    say(shell, complaint(error, about));
    finish(statusOfRefusal(error.kind));
  }
}
