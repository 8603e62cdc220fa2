import { type Placement, placementOfNew } from '@trikd/core/run/placement';
import { firstState, type RunState } from '@trikd/core/run/state';
import type { SavedRun } from '@trikd/core/run/stored/run-store';
import type { RecordMetric } from '@trikd/telemetry/instruments';
import { specFor } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { queueMeter } from './queue-meter.js';
import type { IndexedRun } from './run-index.js';

const at = (seconds: number) => new Date(1000 * seconds).toISOString();
const trios = { taken: 1, ready: 2, draining: 0, away: 3 };
const preparing: RunState = { ...firstState, phase: 'preparing' };

/** The newest value of each metric, and all values. */
function measured() {
  const [newest, all]: [Map<string, number>, [string, number][]] = [new Map(), []];
  const record: RecordMetric = (metric, value, attributes = {}) => {
    const name = [metric, ...Object.values(attributes)].join(' ');
    newest.set(name, value);
    all.push([name, value]);
  };
  return { newest, all, meter: queueMeter(record, () => trios) };
}

const indexed = (runId: string, phase: RunState['phase'], priority = 0, queuedAt?: string): IndexedRun => ({
  ...{ runId, phase, revision: 1, placement: { ...placementOfNew(), priority } },
  ...(queuedAt !== undefined && { queuedAt }),
});
const saved = (state: RunState, updated: string, queued?: string, placement: Partial<Placement> = {}): SavedRun => ({
  ...{ spec: specFor('bare'), version: 'v', state, revision: 1, term: 1, requests: [] },
  times: { created: at(0), updated, changed: queued === undefined ? {} : { Queued: queued } },
  placement: { ...placementOfNew(), ...placement },
});

test('runs are counted by why they wait and by a few classes of priority, and trios by state', () => {
  const { newest, meter } = measured();
  const runs = [
    indexed('a', 'training'),
    indexed('b', 'preparing'),
    indexed('c', 'queued', 0, at(10)),
    indexed('d', 'queued', 7, at(40)),
    indexed('e', 'queued', 8, at(50)),
    indexed('f', 'queued', -1, at(60)),
    indexed('g', 'paused'),
  ];
  const waits: Record<string, 'QuotaWait'> = { d: 'QuotaWait', e: 'QuotaWait' };
  meter.looked(runs, (runId) => waits[runId] && { reason: waits[runId] }, new Date(100_000));
  const shown = [...newest].filter(([name, value]) => value > 0 || !/ (Unsched|Image|Start|Crash|Preempt)/.test(name));
  expect(Object.fromEntries(shown)).toEqual({
    'trikd.runs.queued WaitingForTrio low': 1,
    'trikd.runs.queued WaitingForTrio normal': 1,
    'trikd.runs.queued WaitingForTrio high': 0,
    'trikd.runs.queued QuotaWait low': 0,
    'trikd.runs.queued QuotaWait normal': 0,
    'trikd.runs.queued QuotaWait high': 2,
    'trikd.queue.oldest WaitingForTrio': 90,
    'trikd.queue.oldest QuotaWait': 60,
    'trikd.runs.placed': 2,
    'trikd.training': 1,
    'trikd.trios taken': 1,
    'trikd.trios ready': 2,
    'trikd.trios draining': 0,
    'trikd.trios away': 3,
    'trikd.displacements trio-draining': 0,
    'trikd.displacements trio-away': 0,
    'trikd.displacements preempted': 0,
  });
});

test('an orchestrator that does not lead any more shows 0, and one that has never led shows nothing', () => {
  const { newest, all, meter } = measured();
  meter.resigned();
  expect(all).toEqual([]);
  meter.looked([indexed('a', 'training'), indexed('b', 'queued', 0, at(0))], () => undefined, new Date(9000));
  meter.resigned();
  expect(new Set(newest.values())).toEqual(new Set([0]));
});

test('a run that gets a trio has waited since it was queued last', () => {
  const { all, meter } = measured();
  const asked = { number: 1, priority: 3 };
  meter.changed(saved(firstState, at(1)), saved(firstState, at(20), undefined, asked));
  meter.changed(saved(firstState, at(20), undefined, asked), saved(preparing, at(30), at(30), asked));
  meter.changed(saved(firstState, at(50), at(45)), saved(preparing, at(60), at(60)));
  expect(all).toEqual([
    ['trikd.queue.wait high', 30],
    ['trikd.queue.wait normal', 15],
  ]);
});

test('a run that loses its trio is counted once, with the reason; a run that is paused or resumed is not', () => {
  const { all, meter } = measured();
  const displaced: RunState = { ...firstState, attempt: 2, displaced: { why: 'trio-away', message: 'gone' } };
  const paused: RunState = { ...firstState, phase: 'paused' };
  meter.changed(saved(preparing, at(1)), saved(displaced, at(2), at(2)));
  meter.changed(saved(displaced, at(2), at(2)), saved(displaced, at(3), at(2), { number: 2 }));
  meter.changed(saved(preparing, at(1)), saved(paused, at(2)));
  meter.changed(saved(paused, at(2)), saved(firstState, at(3), at(3)));
  expect(all).toEqual([['trikd.displacements trio-away', 1]]);
});
