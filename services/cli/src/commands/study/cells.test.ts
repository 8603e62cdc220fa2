import type { RunSpec } from '@trikd/core/spec/run-spec';
import { describe, expect, test } from 'vitest';
import { cellsOf, merged } from './cells.js';
import { StudySpec } from './study-spec.js';

const facts = async ({ data }: RunSpec) => ({ height: 8, width: 8, channels: 1, classes: 4, train: data.train ?? 0 });

const model = (channels: readonly number[]) => ({ model: { kind: 'plain-cnn', channels } });
const run = {
  data: { kind: 'synthetic', train: 256 },
  batchSize: 32,
  epochs: 6,
  warmupSteps: 4,
  student: model([4]),
  teacher: model([16, 16]),
};
const arms = {
  ce: { run: { method: 'ce', teacher: null } },
  'ce-long': { run: { method: 'ce', teacher: null }, compute: 'trikd' },
  kd: { run: { method: 'kd' }, seeds: [0, 7] },
  trikd: {},
};
const cells = (more: object = {}) => cellsOf(StudySpec.parse({ name: 'trial', run, arms, seeds: 2, ...more }), facts);

describe('the runs of a study', () => {
  test('come seed by seed, each arm with its own seeds', async () => {
    expect((await cells()).map(({ arm, seed }) => `${arm} ${seed}`)).toEqual([
      ...['ce 0', 'ce-long 0', 'kd 0', 'trikd 0', 'ce 1', 'ce-long 1', 'trikd 1', 'kd 7'],
    ]);
  });

  test('have a spec and a digest of their own', async () => {
    const all = await cells({ settings: { few: { data: { train: 64 } }, many: { data: { train: 512 } } } });
    expect(new Set(all.map(({ digest }) => digest)).size).toBe(16);
    expect(all.map(({ spec }) => spec.name)).toContain('trial-few-ce-long-1');
    expect(all.find(({ setting }) => setting === 'many')?.spec.data.train).toBe(512);
  });

  test('have the compute of another arm where that is asked for, to within an epoch', async () => {
    const all = await cells();
    const of = (arm: string) => all.find((cell) => cell.arm === arm)!;
    const perEpoch = of('ce').compute / of('ce').spec.epochs;
    expect(Math.abs(of('ce-long').compute - of('trikd').compute)).toBeLessThanOrEqual(perEpoch / 2);
    expect(of('ce-long').spec.epochs).toBeGreaterThan(18);
  });

  test('are refused with the arm and the setting of a spec that is not valid', async () => {
    await expect(cells({ arms: { kd: { run: { method: 'kd', epochs: 0 } } } })).rejects.toThrow(
      /^arm kd of study trial:\n {2}epochs: /,
    );
    await expect(cells({ settings: { few: { data: { train: 8 } } } })).rejects.toThrow(
      'arm ce, setting few of study trial',
    );
  });

  test('are refused beyond their limit before the first one is made', async () => {
    const seeds = 1000;
    const settings = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`s${index}`, {}]));
    await expect(cells({ seeds, settings })).rejects.toThrow('60040 runs are more than the 20000 of a study');
  });
});

test('a baseline and an arm whose compute is meant must exist', () => {
  const parsed = StudySpec.safeParse({ name: 'x', run, arms: { ce: { compute: 'kd' } }, baselines: ['dml'] });
  expect(parsed.error?.issues.map(({ message }) => message)).toEqual(['there is no arm dml', 'there is no arm kd']);
});

test('sections are merged, lists and values replaced', () => {
  const settings = { epochs: 3, student: { learningRate: 0.1, objective: [1, 2] } };
  expect(merged(settings, { epochs: 5, student: { objective: [3] } })).toEqual({
    epochs: 5,
    student: { learningRate: 0.1, objective: [3] },
  });
});

test('null takes a setting away', () => {
  expect(
    merged(
      { teacher: { epochs: 1 }, student: { clipNorm: 5, learningRate: 1 } },
      { teacher: null, student: { clipNorm: null } },
    ),
  ).toEqual({
    student: { learningRate: 1 },
  });
});

test('a section of another kind keeps no setting of the one before', () => {
  const settings = { model: { kind: 'resnet', depth: 8 }, method: 'kd' };
  expect(merged(settings, { model: { kind: 'plain-cnn' }, method: { kind: 'eskd', after: 0.5 } })).toEqual({
    model: { kind: 'plain-cnn' },
    method: { kind: 'eskd', after: 0.5 },
  });
});

test('a name of a prototype is a name like any other', () => {
  const over = JSON.parse('{"__proto__": {"polluted": true}}') as Record<string, unknown>;
  expect(Object.hasOwn(merged({}, over), '__proto__')).toBe(true);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});
