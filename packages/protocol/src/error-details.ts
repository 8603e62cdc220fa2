import type { status } from '@grpc/grpc-js';
import type { ErrorKind, TrikdError } from '@trikd/core/domain/errors';
import type { Any } from './gen/node/google/protobuf/any.js';
import { BadRequest, ErrorInfo, PreconditionFailure, ResourceInfo } from './gen/node/google/rpc/error_details.js';
import { Status } from './gen/node/google/rpc/status.js';

/** The metadata key of a google.rpc.Status. */
export const STATUS_DETAILS = 'grpc-status-details-bin';

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
export function encodeDetails(error: TrikdError, code: status): Buffer {
  for (let most = MAX_VIOLATIONS; ; most = Math.floor(most / 2)) {
    const details = detailsOf(error, most);
    const bytes = Status.encode({ code, message: short(error.message), details }).finish();
    if (bytes.length <= MAX_BYTES || most === 0) return Buffer.from(bytes);
  }
}

function detailsOf(error: TrikdError, most: number): Any[] {
  const { kind, details } = error;
  const reason = kind.replaceAll('-', '_').toUpperCase();
  const info = { reason, domain: DOMAIN, metadata: factsOf(details) };
  const first = any('ErrorInfo', ErrorInfo.encode(info).finish());
  const further = FURTHER[kind]?.(error, most);
  return further ? [first, further] : [first];
}

/** Further details, by kind. */
const FURTHER: Readonly<Partial<Record<ErrorKind, (error: TrikdError, most: number) => Any | undefined>>> = {
  invalid: (error, most) => {
    const fieldViolations = violationsOf(error).slice(0, most);
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

function violationsOf({ details, message }: TrikdError): FieldViolation[] {
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
function factsOf(details: Details): Record<string, string> {
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
