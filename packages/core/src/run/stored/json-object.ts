import type { z } from 'zod';
import { openSealedJson, openVersionedJson, sealJson } from '../../checkpoint/json.js';
import { TrikdError } from '../../domain/errors.js';

/** A value as the bytes of an object in the store: equal values give equal bytes, which carry their own digest. */
export function encodeJson(value: object): Uint8Array {
  return sealJson({ ...value });
}

/** @throws TrikdError `corrupt` when a bit differs from what was written, or a field from the schema, naming each field */
export function decodeJson<S extends z.ZodType>(schema: S, bytes: Uint8Array, key: string): z.output<S> {
  return parsed(schema, openSealedJson(bytes, key), key);
}

/** @throws TrikdError `corrupt` as `decodeJson`, and when the version of the format differs from the one that is read, naming both */
export function decodeVersionedJson<S extends z.ZodType>(
  schema: S,
  bytes: Uint8Array,
  key: string,
  version: number,
): z.output<S> {
  return parsed(schema, openVersionedJson(bytes, key, version), key);
}

function parsed<S extends z.ZodType>(schema: S, fields: object, key: string): z.output<S> {
  const result = schema.safeParse(fields);
  if (result.success) return result.data;
  const mistakes = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new TrikdError('corrupt', `${key} does not match its schema: ${mistakes.join('; ')}`, { key });
}
