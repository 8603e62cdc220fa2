import type { status } from '@grpc/grpc-js';
import type { ErrorKind, TrikdError } from '@trikd/core/domain/errors';
import type { Any } from './gen/node/google/protobuf/any.js';
import { BadRequest, ErrorInfo, PreconditionFailure, ResourceInfo } from './gen/node/google/rpc/error_details.js';
import { Status } from './gen/node/google/rpc/status.js';

/** Metadata key under which gRPC clients look for a google.rpc.Status. */
export const STATUS_DETAILS = 'grpc-status-details-bin';

/** Whose kinds the reasons are. */
const DOMAIN = 'trikd';
/** A trailer is small, and the sentence itself is in it already. Bytes, and characters. */
const LARGEST = 3000;
const LONGEST_SENTENCE = 200;
const MOST_VIOLATIONS = 32;

/** One field of a request, and what is wrong with it. */
export interface FieldViolation {
  /** Its path, such as `spec.student.learningRate`. */
  readonly field: string;
  readonly description: string;
}

type Details = TrikdError['details'];

/**
 * What a program can read of an error, encoded. Of the error's details: `violations` or `field` become a BadRequest, `run` what the call
 * was about, `phase` or `leader` what does not hold of it.
 */
export function encodeDetails(error: TrikdError, code: status): Buffer {
  for (let most = MOST_VIOLATIONS; ; most = Math.floor(most / 2)) {
    const details = detailsOf(error, most);
    const bytes = Status.encode({ code, message: short(error.message), details }).finish();
    if (bytes.length <= LARGEST || most === 0) return Buffer.from(bytes);
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

/** What else there is to say, by kind. */
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

/** The facts that are texts or numbers: the rest is for the log. */
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
  return sentence.length > LONGEST_SENTENCE ? `${sentence.slice(0, LONGEST_SENTENCE).toWellFormed()}...` : sentence;
}

function any(name: string, value: Uint8Array): Any {
  return { typeUrl: `type.googleapis.com/google.rpc.${name}`, value: Buffer.from(value) };
}
