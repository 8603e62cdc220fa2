import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { ERROR_KINDS, type ErrorKind, TrikdError } from '@trikd/core/domain/errors';
import { encodeDetails, STATUS_DETAILS } from './error-details.js';

/** The only mapping from kinds to gRPC statuses. A new kind does not compile until it is listed. */
const STATUS: Readonly<Record<ErrorKind, status>> = {
  invalid: status.INVALID_ARGUMENT,
  'not-found': status.NOT_FOUND,
  'wrong-state': status.FAILED_PRECONDITION,
  'out-of-step': status.ABORTED,
  diverged: status.FAILED_PRECONDITION,
  corrupt: status.DATA_LOSS,
  unavailable: status.UNAVAILABLE,
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  exhausted: status.RESOURCE_EXHAUSTED,
};

/** The kinds of statuses without one: from the gRPC runtime, or from other servers. */
const KIND: Readonly<Partial<Record<status, ErrorKind>>> = {
  [status.INVALID_ARGUMENT]: 'invalid',
  [status.NOT_FOUND]: 'not-found',
  [status.FAILED_PRECONDITION]: 'wrong-state',
  [status.ABORTED]: 'out-of-step',
  [status.DATA_LOSS]: 'corrupt',
  [status.UNAVAILABLE]: 'unavailable',
  [status.DEADLINE_EXCEEDED]: 'unavailable',
  [status.CANCELLED]: 'unavailable',
  [status.UNAUTHENTICATED]: 'unauthenticated',
  [status.PERMISSION_DENIED]: 'forbidden',
  // The gRPC runtime's own: a message that is too large, and remains so.
  [status.RESOURCE_EXHAUSTED]: 'invalid',
  [status.UNIMPLEMENTED]: 'invalid',
};

/** The metadata key of the kind, so that the client throws the kind that the server has thrown. */
export const ERROR_KIND = 'trikd-error-kind';

/** The form of an error that grpc-js sends. */
export interface GrpcFailure {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** Converts an error to a status. The message of an error other than a TrikdError is not sent. */
export function toStatus(error: unknown): GrpcFailure {
  const metadata = new Metadata();
  if (!(error instanceof TrikdError)) {
    metadata.set(ERROR_KIND, 'internal');
    return { code: status.INTERNAL, details: 'internal error', metadata };
  }
  metadata.set(ERROR_KIND, error.kind);
  const code = STATUS[error.kind];
  metadata.set(STATUS_DETAILS, encodeDetails(error, code));
  return { code, details: error.message, metadata };
}

/**
 * Converts a received status to an error. A status that means a bug of the server, such as INTERNAL, becomes a plain Error.
 * @param what names the server in the message
 */
export function fromStatus(error: unknown, what: string): Error {
  if (!isServiceError(error)) return error instanceof Error ? error : new Error(`${what}: ${String(error)}`);
  const kind = kindIn(error.metadata) ?? KIND[error.code];
  const message = `${what}: ${error.details}`;
  if (!kind) return new Error(`${message} (${status[error.code]})`, { cause: error });
  return new TrikdError(kind, message, { code: status[error.code] }, { cause: error });
}

/**
 * Whether a call ended because the server could not be reached or went away. A server that is shut down by force cancels
 * its streams, so that a client must not call this after it has cancelled the call itself.
 */
export function isDisconnect(error: unknown): error is ServiceError {
  return isServiceError(error) && (error.code === status.UNAVAILABLE || error.code === status.CANCELLED);
}

/** Whether a status is not of a service of ours: of the gRPC runtime, or of whatever else answers at the address. */
export function isForeign(error: unknown): error is ServiceError {
  return isServiceError(error) && (error.metadata?.get(ERROR_KIND) ?? []).length === 0;
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

/** HTTP statuses as google.rpc.Code documents them. */
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

/** Converts a gRPC status to an HTTP status. */
export function httpStatusOf(code: status): number {
  return HTTP_STATUS[code] ?? 500;
}
