import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { ERROR_KINDS, type ErrorKind, TrikdError } from '@trikd/core/domain/errors';
import type { Any } from './gen/node/google/protobuf/any.js';
import { BadRequest, ErrorInfo, PreconditionFailure, ResourceInfo } from './gen/node/google/rpc/error_details.js';
import { Status } from './gen/node/google/rpc/status.js';

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

/** The metadata key of a google.rpc.Status. */
const STATUS_DETAILS = 'grpc-status-details-bin';

/** The domain of our reasons in ErrorInfo. */
const DOMAIN = 'trikd';
/** Trailers are limited to a few KB, and contain the message already. */
const MAX_BYTES = 3000;
const MAX_SENTENCE = 200;
const MAX_VIOLATIONS = 32;

/** A field of a request, and what is wrong with it. */
export interface FieldViolation {
  /** Path, such as `spec.student.learningRate`. */
  readonly field: string;
  readonly description: string;
}

type Details = TrikdError['details'];

/**
 * Encodes an error as a google.rpc.Status for programs. Of the details of the error, `violations` or `field` become a
 * BadRequest, `run` names the resource, and `phase` or `leader` the violated precondition.
 */
function encodeDetails(error: TrikdError, code: status): Buffer {
  for (let most = MAX_VIOLATIONS; ; most = Math.floor(most / 2)) {
    const details = detailsOf(error, most);
    const bytes = Status.encode({ code, message: short(error.message), details }).finish();
    if (bytes.length <= MAX_BYTES || most === 0) return Buffer.from(bytes);
  }
}

function detailsOf(error: TrikdError, most: number): Any[] {
  const { kind, details } = error;
  const reason = kind.replaceAll('-', '_').toUpperCase();
  const info = { reason, domain: DOMAIN, metadata: factsIn(details) };
  const first = any('ErrorInfo', ErrorInfo.encode(info).finish());
  const further = FURTHER[kind]?.(error, most);
  return further ? [first, further] : [first];
}

/** Further details, by kind. */
const FURTHER: Readonly<Partial<Record<ErrorKind, (error: TrikdError, most: number) => Any | undefined>>> = {
  invalid: (error, most) => {
    const fieldViolations = violationsIn(error).slice(0, most);
    if (fieldViolations.length === 0) return undefined;
    return any('BadRequest', BadRequest.encode({ fieldViolations }).finish());
  },
  'wrong-state': ({ details, message }) => {
    const type = 'leader' in details ? 'LEADERSHIP' : 'RUN_PHASE';
    const run = text(details['run']);
    if (run === undefined && type === 'RUN_PHASE') return undefined;
    const subject = run === undefined ? 'orchestrator' : `runs/${run}`;
    const violations = [{ type, subject, description: short(message) }];
    return any('PreconditionFailure', PreconditionFailure.encode({ violations }).finish());
  },
  'not-found': ({ details, message }) => {
    const run = text(details['run']);
    if (run === undefined) return undefined;
    const info = { resourceType: 'trikd.v1.Run', resourceName: run, owner: '', description: short(message) };
    return any('ResourceInfo', ResourceInfo.encode(info).finish());
  },
};

function violationsIn({ details, message }: TrikdError): FieldViolation[] {
  const { field, violations } = details;
  if (typeof field === 'string') return [{ field, description: short(message) }];
  if (!Array.isArray(violations)) return [];
  return violations
    .filter(isViolation)
    .map((each) => ({ field: short(each.field), description: short(each.description) }));
}

function isViolation(value: unknown): value is FieldViolation {
  if (typeof value !== 'object' || value === null || !('field' in value) || !('description' in value)) return false;
  return typeof value.field === 'string' && typeof value.description === 'string';
}

/** Details that are texts or numbers; others are for the log only. */
function factsIn(details: Details): Record<string, string> {
  const facts = Object.entries(details).flatMap(([name, value]) =>
    name !== 'violations' && (typeof value === 'string' || typeof value === 'number')
      ? [[name, short(`${value}`)]]
      : [],
  );
  return Object.fromEntries(facts.slice(0, 8));
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function short(sentence: string): string {
  return sentence.length > MAX_SENTENCE ? `${sentence.slice(0, MAX_SENTENCE).toWellFormed()}...` : sentence;
}

function any(name: string, value: Uint8Array): Any {
  return { typeUrl: `type.googleapis.com/google.rpc.${name}`, value: Buffer.from(value) };
}

const ERROR_INFO = 'type.googleapis.com/google.rpc.ErrorInfo';
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest';

/** The invalid fields in a received status; empty if it has none. @param error an argument or a result of `fromStatus` */
export function violationsOf(error: unknown): readonly FieldViolation[] {
  return detailsIn(error, BAD_REQUEST)
    .flatMap((value) => BadRequest.decode(value).fieldViolations)
    .map(({ field, description }) => ({ field, description }));
}

/** The facts that a received status states, such as the `run` it is about. @param error as for {@link violationsOf} */
export function factsOf(error: unknown): Readonly<Record<string, string>> {
  return Object.assign({}, ...detailsIn(error, ERROR_INFO).map((value) => ErrorInfo.decode(value).metadata));
}

/** The milliseconds after which a refused call may succeed; undefined if the server does not say. @param error as for {@link violationsOf} */
export function retryAfterMs(error: unknown): number | undefined {
  const ms = Number(factsOf(error)['retryAfterMs']);
  return Number.isFinite(ms) ? ms : undefined;
}

function detailsIn(error: unknown, wanted: string): readonly Uint8Array[] {
  const metadata = metadataIn(error) ?? (error instanceof Error ? metadataIn(error.cause) : undefined);
  const bytes = metadata?.get(STATUS_DETAILS)[0];
  if (!Buffer.isBuffer(bytes)) return [];
  return Status.decode(bytes)
    .details.filter(({ typeUrl }) => typeUrl === wanted)
    .map(({ value }) => value);
}

function metadataIn(error: unknown): Metadata | undefined {
  if (typeof error !== 'object' || error === null || !('metadata' in error)) return undefined;
  return error.metadata instanceof Metadata ? error.metadata : undefined;
}
