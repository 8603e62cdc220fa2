import { specDigest } from '@trikd/core/spec/run-spec';
import { specFor } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { runOfCell } from './run-of-cell.js';

const cellOf = (change: object) => {
  const spec = specFor('bare', change);
  return { spec, digest: specDigest(spec) };
};

test('a run has the name of its cell with the digest, and is otherwise the same', () => {
  const cell = cellOf({ name: 'tiny-ce-0' });
  const { runId, spec, digest } = runOfCell(cell);
  expect(runId).toBe(`tiny-ce-0-${cell.digest.slice(0, 12)}`);
  expect({ ...spec, name: 'tiny-ce-0' }).toEqual(cell.spec);
  expect(digest).toBe(specDigest(spec));
});

test('cells whose long names or settings differ have different runs, with names that fit', () => {
  const name = 'a'.repeat(63);
  const ids = [{ name }, { name, seed: 1 }, { name, epochs: 3 }].map((change) => runOfCell(cellOf(change)).runId);
  expect(new Set(ids).size).toBe(3);
  expect(ids.map(({ length }) => length)).toEqual([63, 63, 63]);
});

test('a run goes on by itself where its settings let it wait between generations', () => {
  const cell = cellOf({ curriculum: { advance: 'manual' } });
  expect(runOfCell(cell).spec.curriculum.advance).toBe('automatic');
});
