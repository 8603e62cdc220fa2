import { expect, test } from 'vitest';
import { z } from 'zod';
import { nameOrSettings } from './name-or-settings.js';

const Pet = nameOrSettings(
  'pet',
  ['cat', 'rabbit'],
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('cat') }),
    z.strictObject({ kind: z.literal('rabbit'), ears: z.int().default(2), name: z.string().optional() }),
  ]),
);
const problemsOf = (value: unknown) => Pet.safeParse(value).error?.issues.map(({ message }) => message);

test('a name is taken as it is, settings get their defaults', () => {
  expect(Pet.parse('rabbit')).toBe('rabbit');
  expect(Pet.parse({ kind: 'rabbit' })).toEqual({ kind: 'rabbit', ears: 2 });
});

test('an unknown name, alone or with settings, is answered with the nearest one or with all', () => {
  expect(problemsOf('rabit')).toEqual(['there is no pet rabit; did you mean rabbit?']);
  expect(problemsOf({ kind: 'Rabbit', ears: 1 })).toEqual(['there is no pet Rabbit; did you mean rabbit?']);
  expect(problemsOf('dog')).toEqual(['there is no pet dog; there is cat, rabbit']);
  expect(problemsOf('x'.repeat(1000))?.[0]?.length).toBeLessThan(100);
});

test('what is neither is answered with what is expected', () => {
  const expected = 'expected the name of a pet, or a section with its kind: cat, rabbit';
  for (const value of [3, null, [], {}, { kind: 1 }]) expect(problemsOf(value)).toEqual([expected]);
});

test('mistakes in the settings of a known name are all reported', () => {
  const [message = ''] = problemsOf({ kind: 'rabbit', ears: 'two', name: 1, tail: 1 }) ?? [];
  expect(message).toMatch(/^ears: .*number.*; name: .*string.*; .*tail/);
});
