import { Metadata } from '@grpc/grpc-js';
import { type FieldViolation, STATUS_DETAILS } from './error-details.js';
import { BadRequest, ErrorInfo } from './gen/node/google/rpc/error_details.js';
import { Status } from './gen/node/google/rpc/status.js';

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
