import type { z } from 'zod';
import { openSealedJson, sealJson } from '../checkpoint/sealed-json.js';
import { TrikdError } from '../domain/errors.js';

/** A value as the bytes of an object in the store: one text for one value, with a digest of its own in it. */
export function encodeJson(value: object): Uint8Array {
  return sealJson({ ...value });
}

/** @throws TrikdError `corrupt` for a single bit that is not as it was written, or not what the schema asks for, naming each field */
export function decodeJson<S extends z.ZodType>(schema: S, bytes: Uint8Array, key: string): z.output<S> {
  const result = schema.safeParse(openSealedJson(bytes, key));
  if (result.success) return result.data;
  const mistakes = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new TrikdError('corrupt', `${key} is not what it should be: ${mistakes.join('; ')}`, { key });
}
