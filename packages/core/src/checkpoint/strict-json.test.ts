import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeStrictJson, parseStrictJson } from './strict-json.js';

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
