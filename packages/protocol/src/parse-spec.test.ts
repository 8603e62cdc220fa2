import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { describe, expect, test } from 'vitest';
import { parseSpec } from './parse-spec.js';

const written = writtenSpec('bare');
const refused = (json: string) => () => parseSpec(json);

/** The error of a spec. */
function errorOf(json: string): Error & { readonly details?: { readonly violations?: readonly object[] } } {
  try {
    parseSpec(json);
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('the spec was accepted');
}

test('a spec of 64 KiB is parsed, a longer one is refused by its size', () => {
  const json = JSON.stringify(written);
  expect(parseSpec(json.padEnd(65_536)).name).toBe('trial');
  expect(refused(json.padEnd(65_537))).toThrow('the spec has 65537 characters, more than 65536');
});

describe('refused by name is a spec', () => {
  test.each([
    [
      'of 30,000 nested lists',
      `${'['.repeat(30_000)}${']'.repeat(30_000)}`,
      /^the spec is not JSON: it is nested deeper/,
    ],
    [
      'of 10,000 nested sections',
      `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
      /^the spec is not JSON: it is nested/,
    ],
    ['that names a field twice', '{"name":"a","name":"b"}', /key "name" appears twice/],
    ['that is no section', '[]', /expected a section, found a list/],
    [
      'with a number beyond all bounds',
      JSON.stringify({ ...written, epochs: 1e300 }),
      /expected at most 4294967295\n.*at epochs/,
    ],
  ])('%s', (_what, json, message) => {
    expect(refused(json)).toThrow(message);
    expect(refused(json)).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });
});

test('of a list of 1,000 mistakes 32 are reported, and the others are counted', () => {
  const channels = Array(1000).fill('x');
  const { message, details } = errorOf(
    JSON.stringify({ ...written, student: { ...written.student, model: { kind: 'plain-cnn', channels } } }),
  );
  expect(message).toContain('more mistakes');
  expect(details?.violations).toHaveLength(32);
});

test('no control character of a spec is echoed', () => {
  for (const json of [JSON.stringify({ ...written, 'a\u001b[2Jb': 1 }), '{"name": \u001b[2J}', '\u0007']) {
    const { message, details } = errorOf(json);
    expect(message).not.toMatch(/(?!\n)\p{Cc}/u);
    for (const violation of details?.violations ?? []) expect(Object.values(violation).join()).not.toMatch(/\p{Cc}/u);
  }
});
