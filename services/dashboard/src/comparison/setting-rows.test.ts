import { expect, test } from 'vitest';
import { settingRows } from './setting-rows.js';

const rowsOf = (...specs: readonly object[]) => settingRows(specs.map((spec) => JSON.stringify(spec)));
const task = { kind: 'task', weight: 1 };
const peer = (weight: number) => ({ kind: 'distillation', from: 'peer', weight });

test('the method is named where a spec leaves it out', () => {
  expect(rowsOf({ seed: 1 }, { method: { kind: 'kd', weight: 0.5 } })).toEqual([
    { path: 'method', values: ['trikd', 'kd'], differs: true },
    { path: 'method.weight', values: [undefined, '0.5'], differs: true },
    { path: 'seed', values: ['1', undefined], differs: true },
  ]);
});

test('a list of numbers is one row', () => {
  const rows = rowsOf({ model: { channels: [4, 8] } }, { model: { channels: [4, 8, 16] } });
  expect(rows.slice(1)).toEqual([{ path: 'model.channels', values: ['4, 8', '4, 8, 16'], differs: true }]);
});

test('a list that one run lacks is summed up, and the others differ only where they do', () => {
  const rows = rowsOf({ objective: [task, peer(1)] }, { objective: [task, peer(0.5)] }, { seed: 1 });
  expect(rows.find(({ path }) => path === 'objective')).toEqual({
    ...{ path: 'objective', values: ['1 × task + 1 × peer', '1 × task + 0.5 × peer', undefined], differs: true },
  });
  expect(rows.filter(({ path, differs }) => differs && path.startsWith('objective.'))).toEqual([
    { path: 'objective.1.weight', values: ['1', '0.5', undefined], differs: true },
  ]);
});

test('a list that all runs have is compared part by part', () => {
  const differing = rowsOf({ objective: [task, peer(1)] }, { objective: [task, peer(0.5)] }).filter(
    (row) => row.differs,
  );
  expect(differing).toEqual([{ path: 'objective.1.weight', values: ['1', '0.5'], differs: true }]);
});

test('a run with an unknown spec makes no difference', () => {
  expect(settingRows([JSON.stringify({ seed: 1 }), ''])).toEqual([
    { path: 'method', values: ['trikd', undefined], differs: false },
    { path: 'seed', values: ['1', undefined], differs: false },
  ]);
});
