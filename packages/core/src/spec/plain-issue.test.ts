import { expect, test } from 'vitest';
import { z } from 'zod';
import { plainIssue } from './plain-issue.js';

test.each([
  [z.string(), undefined, 'missing: expected text'],
  [z.number(), 'many', 'expected a number, found text'],
  [z.int(), 2.5, 'expected a whole number, found another number'],
  [z.object({}), [], 'expected a section, found a list'],
  [z.boolean(), null, 'expected true or false, found nothing'],
  [z.enum(['cpu', 'gpu']), 'tpu', 'expected cpu or gpu'],
  [z.enum(['a', 'b', 'c']), undefined, 'missing: expected a, b or c'],
  [z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') })]), { kind: 'b' }, 'expected a'],
  [z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') })]), {}, 'missing: expected a'],
  [z.int().min(1), 0, 'expected at least 1'],
  [z.number().gt(0).lt(1), 2, 'expected less than 1'],
  [z.array(z.int()).min(1), [], 'expected at least 1 item'],
  [z.string().max(2), 'abc', 'expected at most 2 characters'],
  [z.strictObject({}), { colour: 1 }, 'there is no setting colour'],
  [z.string().regex(/^a$/, 'an a'), 'b', 'an a'],
])('a mistake is named in plain words: %#', (schema, value, message) => {
  expect(schema.safeParse(value, { error: plainIssue }).error?.issues.map((issue) => issue.message)).toEqual([message]);
});
