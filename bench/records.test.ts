import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Cell } from './cells.ts';
import { compared, latestCells } from './compared.ts';
import { addLine, type CellRecord, isMeasured, readLines } from './records.ts';
import { summarise } from './statistics.ts';

const cell: Cell = { models: 'resnet-20', batch: 128, classes: 100, precision: 'float32' };

const times = (...roundMedians: number[]) => ({
  ...summarise(roundMedians),
  roundMedians,
  peakMemory: { one: 300, other: 100 },
  countedAgain: 50,
});

const record: CellRecord = {
  ...{ measured: 'step', cell, rounds: 3, steps: 5, missing: { compile: 'there is no Python.h' } },
  peers: { 'one-process': times(80, 81, 82), eager: times(100, 101, 102) },
  conditions: {
    ...{ trikd: 'abc', node: 'v24.0.0', tensorflow: '2.21.0', threads: 2, date: '2026-11-29T12:00:00.000Z' },
    machine: { cpu: 'a processor', cores: 2, gibibytes: 16 },
    peak: { float32: 500e9, bfloat16: 0, memory: 30e9 },
  },
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trikd-records-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('lines come back as they were added, without one that a kill has cut off', () => {
  const file = join(folder, 'results.jsonl');
  addLine(file, record);
  appendFileSync(file, JSON.stringify(record).slice(0, 100));
  addLine(file, { ...record, rounds: 4 });
  expect(readLines(file)).toEqual([record, { ...record, rounds: 4 }]);
});

test('a file that does not exist has no lines', () => {
  expect(readLines(join(folder, 'none.jsonl'))).toEqual([]);
});

test('a cell is measured by a line of the same versions with all peers and enough rounds', () => {
  const { conditions } = record;
  const today = { ...conditions, date: 'later' };
  expect(isMeasured(record, cell, ['eager'], { rounds: 3, conditions: today })).toBe(true);
  expect(isMeasured(record, { ...cell, batch: 64 }, ['eager'], { rounds: 3, conditions })).toBe(false);
  expect(isMeasured(record, cell, ['eager', 'compile'], { rounds: 3, conditions })).toBe(false);
  expect(isMeasured(record, cell, ['eager'], { rounds: 4, conditions })).toBe(false);
  expect(isMeasured(record, cell, ['eager'], { rounds: 3, conditions: { ...conditions, trikd: 'def' } })).toBe(false);
});

test('the last measurement of a cell counts, in the place of the first', () => {
  const other = { ...record, cell: { ...cell, batch: 64 } };
  const again = { ...record, steps: 9 };
  expect(latestCells([record, other, again])).toEqual([again, other]);
});

test('peers are compared with torch.compile, and where it is missing with PyTorch eager', () => {
  const { yardstick, peers } = compared(record);
  expect(yardstick).toBe('eager');
  expect(peers.map(({ peer, memory, ratio }) => [peer, memory, ratio?.median])).toEqual([
    ['one-process', { together: 350, sum: 400 }, 81 / 101],
    ['eager', { together: 350, sum: 400 }, undefined],
  ]);
  const all = { ...record, peers: { ...record.peers, compile: times(90, 90, 90) } };
  expect(compared(all).peers.map(({ ratio }) => ratio?.median)).toEqual([0.9, 101 / 90, undefined]);
});

test('a step is measured in multiples of what bounds it', () => {
  const { limits, bound, peers } = compared(record);
  expect(bound).toBe('arithmetic');
  expect(peers[0]!.timesBound).toBe(81 / limits.arithmetic);
  expect(peers[0]!.operations * 0.081).toBeCloseTo(limits.arithmetic * 500e6, -3);
});
