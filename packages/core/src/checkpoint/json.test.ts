import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeStrictJson,
  MAX_SEALED_BYTES,
  openSealedJson,
  openVersionedJson,
  parseStrictJson,
  sealJson,
} from './json.js';

const corrupt = expect.objectContaining({ kind: 'corrupt' });
const open = (text: string) => openSealedJson(Buffer.from(text), 'note');
const text = (fields: Readonly<Record<string, unknown>>) => Buffer.from(sealJson(fields)).toString();

test('what is sealed is what is opened, and equal fields have one text', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), (fields) => {
      const { digest: _digest, ...rest }: Record<string, unknown> = JSON.parse(JSON.stringify(fields));
      expect(openSealedJson(sealJson(rest), 'note')).toEqual(rest);
      const turned = Object.fromEntries(Object.entries(rest).reverse());
      expect(sealJson(turned)).toEqual(sealJson(rest));
    }),
  );
});

test('every flipped bit and every cut is refused', () => {
  const whole = sealJson({ step: 30, accuracy: 0.75, writer: 'one', nested: { list: [1, true, null] } });
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const flipped = whole.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    expect(() => openSealedJson(flipped, 'note')).toThrow(corrupt);
  }
  for (let end = 0; end < whole.length; end++) {
    expect(() => openSealedJson(whole.subarray(0, end), 'note')).toThrow(corrupt);
  }
});

test('nothing is sealed that could not be opened again', () => {
  const most = MAX_SEALED_BYTES - sealJson({ note: '' }).length;
  expect(sealJson({ note: 'x'.repeat(most) })).toHaveLength(MAX_SEALED_BYTES);
  expect(() => sealJson({ note: 'x'.repeat(most + 1) })).toThrow(
    expect.objectContaining({ kind: 'invalid', message: expect.stringContaining('2097153 bytes') }),
  );
});

test('a field changed under the old digest is refused with both digests', () => {
  expect(() => open(text({ step: 30 }).replace('30', '31'))).toThrow(
    /^note of \d+ bytes says SHA-256 [0-9a-f]{64} of itself and has [0-9a-f]{64}$/,
  );
});

test.each([
  ['spaces', (sealed: string) => `${sealed}\n`],
  [
    'another order',
    (sealed: string) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(sealed)).reverse())),
  ],
  ['another way to write a number', (sealed: string) => sealed.replace(':30', ':3e1')],
  ['another way to write a letter', (sealed: string) => sealed.replace('"step', '"\\u0073tep')],
])('the same fields with %s are refused', (_what, change) => {
  expect(() => open(change(text({ step: 30 })))).toThrow('is not written as its fields are');
});

test.each([
  ['no JSON', '{', /is not JSON: /],
  ['a list', '[]', /is no object$/],
  ['null', 'null', /is no object$/],
  ['no digest', '{"step":1}', /says SHA-256 undefined of itself/],
  ['a field twice', '{"step":1,"step":1}', /"step" appears twice/],
  ['brackets without end', `{"a":${'['.repeat(100_000)}`, /is not JSON: /],
  ['brackets that end', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, /is nested deeper than 64/],
  ['more bytes than allowed', ' '.repeat(MAX_SEALED_BYTES + 1), /of 2097153 bytes is longer than 2097152$/],
])('%s is refused', (_what, sealed, message) => {
  expect(() => open(sealed)).toThrow(message);
  expect(() => open(sealed)).toThrow(corrupt);
});

test('a field named like a member of every object is a field, and changes no other object', () => {
  const fields: Readonly<Record<string, unknown>> = JSON.parse('{"__proto__":{"polluted":1},"constructor":2}');
  const opened = openSealedJson(sealJson(fields), 'note');
  expect(Object.keys(opened).sort()).toEqual(['__proto__', 'constructor']);
  expect(Object.getPrototypeOf(opened)).toBe(Object.prototype);
  expect('polluted' in {}).toBe(false);
});

test('reads every JSON text of distinct keys as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 1), (text, indent) => {
      const spaced = JSON.stringify(JSON.parse(text), undefined, indent);
      expect(parseStrictJson(spaced)).toEqual(JSON.parse(text));
    }),
    { numRuns: 500 },
  );
});

test('finds a key that appears twice at any depth, whatever the texts around it hold', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.string(), fc.nat(5), (texts, key, depth) => {
      const twice = `{${JSON.stringify(key)}:${JSON.stringify(texts)},${JSON.stringify(key)}:1}`;
      const nested = `${'[{"a":'.repeat(depth)}${twice}${'}]'.repeat(depth)}`;
      expect(() => parseStrictJson(nested)).toThrow('appears twice');
    }),
  );
});

test('one key in two objects is no repetition', () => {
  expect(parseStrictJson('[{"a":{"a":"a"}},{"a":["a","a"]}]')).toEqual([{ a: { a: 'a' } }, { a: ['a', 'a'] }]);
});

test('refuses what is nested deeper than 64', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  expect(JSON.stringify(parseStrictJson(nested(64)))).toBe(nested(64));
  expect(() => parseStrictJson(nested(65))).toThrow('nested deeper than 64');
});

test('refuses bytes that are not UTF-8 and a byte order mark', () => {
  expect(() => decodeStrictJson(Uint8Array.of(0x22, 0xc3, 0x28, 0x22))).toThrow(TypeError);
  expect(() => decodeStrictJson(Buffer.from('\ufeff1'))).toThrow(SyntaxError);
});

test.each([
  ['version 6', { version: 6 }],
  ['version 8', { version: 8 }],
  ['version "7"', { version: '7' }],
  ['no version', {}],
])('a document of %s is refused where version 7 is read, and both are named', (found, fields) => {
  expect(openVersionedJson(sealJson({ version: 7 }), 'note', 7)).toEqual({ version: 7 });
  expect(() => openVersionedJson(sealJson(fields), 'note', 7)).toThrow(
    expect.objectContaining({
      kind: 'corrupt',
      message: `note has ${found}, and only version 7 is read: read it with the version of trikd that wrote it`,
    }),
  );
});
