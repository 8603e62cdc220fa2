import { type ServiceError, status } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import { ERROR_KIND, httpStatusOf, isServiceError, toStatus, violationsOf } from '@trikd/protocol/status';

/** The response to a request that failed. */
export interface HttpFailure {
  readonly status: number;
  readonly body: FailureBody;
  /** Milliseconds after which the request may succeed. */
  readonly retryAfterMs?: number;
}

export interface FailureBody {
  readonly error: {
    /** Name of the gRPC status, such as NOT_FOUND. */
    readonly code: string;
    /** Kind of the TrikdError, such as not-found; empty if unknown. */
    readonly kind: string;
    readonly message: string;
    /** The fields of the request that are invalid. */
    readonly fields: readonly { readonly field: string; readonly description: string }[];
  };
}

/** A failure that the HTTP server itself detects. */
export function httpFailure(httpStatus: number, code: string, message: string): HttpFailure {
  return { status: httpStatus, body: { error: { code, kind: '', message, fields: [] } } };
}

/** Thrown for requests that the HTTP server itself rejects. */
export class Rejection extends Error {
  constructor(readonly failure: HttpFailure) {
    super(failure.body.error.message);
  }
}

/** Converts an error to a response. The message of an unexpected error is not sent. */
export function failureOf(error: unknown): HttpFailure {
  if (error instanceof Rejection) return error.failure;
  if (isServiceError(error)) return fromServiceError(error);
  if (!(error instanceof TrikdError)) return httpFailure(500, 'INTERNAL', 'internal error');
  const { code, details } = toStatus(error);
  return httpFailure(httpStatusOf(code), status[code], details);
}

/** Converts a gRPC status, with the field violations in its details. */
function fromServiceError(error: ServiceError): HttpFailure {
  const kind = error.metadata?.get(ERROR_KIND)[0]?.toString() ?? '';
  return {
    status: httpStatusOf(error.code),
    body: { error: { code: status[error.code], kind, message: error.details, fields: violationsOf(error) } },
  };
}
