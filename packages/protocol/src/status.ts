import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { ERROR_KINDS, type ErrorKind, TrikdError } from '@trikd/core/domain/errors';
import { encodeDetails, STATUS_DETAILS } from './error-details.js';

/** The only place where a kind becomes a gRPC status. A new kind does not compile until it is here. */
const STATUS: Readonly<Record<ErrorKind, status>> = {
  invalid: status.INVALID_ARGUMENT,
  'not-found': status.NOT_FOUND,
  'wrong-state': status.FAILED_PRECONDITION,
  'out-of-step': status.ABORTED,
  diverged: status.FAILED_PRECONDITION,
  corrupt: status.DATA_LOSS,
  unavailable: status.UNAVAILABLE,
};

/** For statuses that come without a kind: from the runtime, or from servers of somebody else. */
const KIND: Readonly<Partial<Record<status, ErrorKind>>> = {
  [status.INVALID_ARGUMENT]: 'invalid',
  [status.NOT_FOUND]: 'not-found',
  [status.FAILED_PRECONDITION]: 'wrong-state',
  [status.ABORTED]: 'out-of-step',
  [status.DATA_LOSS]: 'corrupt',
  [status.UNAVAILABLE]: 'unavailable',
  [status.DEADLINE_EXCEEDED]: 'unavailable',
  [status.CANCELLED]: 'unavailable',
  [status.RESOURCE_EXHAUSTED]: 'invalid',
  [status.UNIMPLEMENTED]: 'invalid',
};

/** Metadata key that carries the kind, so that the caller gets the same kind back. */
export const ERROR_KIND = 'trikd-error-kind';

/** What grpc-js takes as the failure of a call. */
export interface GrpcFailure {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** Anything that was thrown, as a status to send. Errors that are not ours keep their message to the log. */
export function toStatus(error: unknown): GrpcFailure {
  const metadata = new Metadata();
  if (!(error instanceof TrikdError)) return { code: status.INTERNAL, details: 'internal error', metadata };
  metadata.set(ERROR_KIND, error.kind);
  const code = STATUS[error.kind];
  metadata.set(STATUS_DETAILS, encodeDetails(error, code));
  return { code, details: error.message, metadata };
}

/**
 * A status that was received, as the error it stands for; `what` says who answered. A status that means a bug on the other side
 * (INTERNAL and the like) becomes a plain Error.
 */
export function fromStatus(error: unknown, what: string): Error {
  if (!isServiceError(error)) return error instanceof Error ? error : new Error(`${what}: ${String(error)}`);
  const kind = kindIn(error.metadata) ?? KIND[error.code];
  const message = `${what}: ${error.details}`;
  if (!kind) return new Error(`${message} (${status[error.code]})`, { cause: error });
  return new TrikdError(kind, message, { code: status[error.code] }, { cause: error });
}

/**
 * Whether a call ended because the other side could not be reached or went away. A server that is shut down by force cancels its
 * streams; a caller that cancelled by itself must not ask.
 */
export function isDisconnect(error: unknown): error is ServiceError {
  return isServiceError(error) && (error.code === status.UNAVAILABLE || error.code === status.CANCELLED);
}

export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}

function kindIn(metadata: Metadata | undefined): ErrorKind | undefined {
  const said = metadata?.get(ERROR_KIND)[0]?.toString();
  return said !== undefined && isKind(said) ? said : undefined;
}

function isKind(text: string): text is ErrorKind {
  return ERROR_KINDS.some((kind) => kind === text);
}

/** HTTP's status for one of gRPC, as google.rpc.Code documents it. */
const HTTP_STATUS: Readonly<Partial<Record<status, number>>> = {
  [status.INVALID_ARGUMENT]: 400,
  [status.OUT_OF_RANGE]: 400,
  [status.UNAUTHENTICATED]: 401,
  [status.PERMISSION_DENIED]: 403,
  [status.NOT_FOUND]: 404,
  [status.ALREADY_EXISTS]: 409,
  [status.ABORTED]: 409,
  [status.FAILED_PRECONDITION]: 409,
  [status.RESOURCE_EXHAUSTED]: 429,
  [status.UNIMPLEMENTED]: 501,
  [status.UNAVAILABLE]: 503,
  [status.DEADLINE_EXCEEDED]: 504,
};

/** The HTTP status that stands for a gRPC status. */
export function httpStatusOf(code: status): number {
  return HTTP_STATUS[code] ?? 500;
}
