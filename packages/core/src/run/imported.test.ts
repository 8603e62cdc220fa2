import { expect, test } from 'vitest';
import type { FileRef } from '../stages/origin.js';
import { importedFrom, withImported } from './imported.js';

const file: FileRef = { kind: 'file', file: '/models/teacher.safetensors', isRegistered: false };
const other: FileRef = { kind: 'file', file: 'teacher', isRegistered: true };
const [first, second] = ['1'.repeat(64), '2'.repeat(64)];

test('what a run imports is kept by where it came from', () => {
  const imported = importedFrom([
    [file, first],
    [other, second],
  ]);
  expect(imported).toEqual({ 'file /models/teacher.safetensors': first, 'registered weights teacher': second });
  expect(withImported(imported, {})).toEqual(imported);
  expect(withImported(undefined, imported)).toEqual(imported);
});

test('other content than the run was trained with is refused by name, later or in another service', () => {
  const problem = `file /models/teacher.safetensors has SHA-256 ${second}, but the run was trained with ${first}`;
  expect(() => withImported(importedFrom([[file, first]]), importedFrom([[file, second]]))).toThrow(problem);
  expect(() =>
    importedFrom([
      [file, first],
      [file, second],
    ]),
  ).toThrow(problem);
});
