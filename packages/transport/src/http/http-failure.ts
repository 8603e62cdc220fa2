import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { BadRequest } from '@trikd/protocol/gen/node/google/rpc/error_details';
import { Status } from '@trikd/protocol/gen/node/google/rpc/status';
import { ERROR_KIND } from '@trikd/protocol/status';

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

const HTTP: Readonly<Partial<Record<status, number>>> = {
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

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}

/** A status of gRPC, with the field violations in its details. */
function fromServiceError(error: ServiceError): HttpFailure {
  const kind = error.metadata?.get(ERROR_KIND)[0]?.toString() ?? '';
  return {
    status: HTTP[error.code] ?? 500,
    body: { error: { code: status[error.code], kind, message: error.details, fields: fieldsOf(error.metadata) } },
  };
}

function fieldsOf(metadata: Metadata | undefined): FailureBody['error']['fields'] {
  const [bytes] = metadata?.get('grpc-status-details-bin') ?? [];
  if (!(bytes instanceof Buffer)) return [];
  return Status.decode(bytes).details.flatMap(({ typeUrl, value }) => {
    if (!typeUrl.endsWith('/google.rpc.BadRequest')) return [];
    return BadRequest.decode(value).fieldViolations.map(({ field, description }) => ({ field, description }));
  });
}
