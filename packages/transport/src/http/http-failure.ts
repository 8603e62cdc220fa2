import { type ServiceError, status } from '@grpc/grpc-js';
import { ERROR_KIND, httpStatusOf, isServiceError } from '@trikd/protocol/status';
import { violationsOf } from '@trikd/protocol/violations';

/** What a client is told instead of an answer. */
export interface HttpFailure {
  readonly status: number;
  readonly body: FailureBody;
}

export interface FailureBody {
  readonly error: {
    /** gRPC's name for it, such as NOT_FOUND. */
    readonly code: string;
    /** Ours, such as not-found; empty when nobody said. */
    readonly kind: string;
    readonly message: string;
    /** What is wrong with single fields of the request. */
    readonly fields: readonly { readonly field: string; readonly description: string }[];
  };
}

/** A failure that this side found. */
export function httpFailure(httpStatus: number, code: string, message: string): HttpFailure {
  return { status: httpStatus, body: { error: { code, kind: '', message, fields: [] } } };
}

/** Thrown for what this side refuses. */
export class Refusal extends Error {
  constructor(readonly failure: HttpFailure) {
    super(failure.body.error.message);
  }
}

/** Whatever was thrown, as an answer. What nobody foresaw keeps its message to the log. */
export function failureOf(error: unknown): HttpFailure {
  if (error instanceof Refusal) return error.failure;
  return isServiceError(error) ? fromServiceError(error) : httpFailure(500, 'INTERNAL', 'internal error');
}

/** A status of gRPC, with the field violations in its details. */
function fromServiceError(error: ServiceError): HttpFailure {
  const kind = error.metadata?.get(ERROR_KIND)[0]?.toString() ?? '';
  return {
    status: httpStatusOf(error.code),
    body: { error: { code: status[error.code], kind, message: error.details, fields: violationsOf(error) } },
  };
}
