import type { z } from 'zod';
import { decodeStrictJson } from '../checkpoint/strict-json.js';
import { TrikdError } from '../errors.js';
import { canonicalJson } from '../spec.js';

/** A value as the bytes of an object in the store: JSON with sorted keys, one text for one value. */
export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${canonicalJson(value)}\n`);
}

/** @throws TrikdError `corrupt` when the bytes are no JSON, or not what the schema asks for, naming each field */
export function decodeJson<S extends z.ZodType>(schema: S, bytes: Uint8Array, key: string): z.output<S> {
  let json: unknown;
  try {
    json = decodeStrictJson(bytes);
  } catch (cause) {
    throw new TrikdError('corrupt', `${key} of ${bytes.byteLength} bytes is no JSON`, { key }, { cause });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const mistakes = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new TrikdError('corrupt', `${key} is not what it should be: ${mistakes.join('; ')}`, { key });
}
