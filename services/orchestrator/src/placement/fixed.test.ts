import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { expect, test } from 'vitest';
import { fixedPlacement } from './fixed.js';
import { claimOf, never, placementContract } from './placement.contract.js';
import type { PlacementNews, TrioAddresses } from './placement.js';
import type { Probe } from './trio-health.js';

type State = Awaited<ReturnType<Probe>>;
const GONE: State = { unreachable: 'connection refused' };

const trioOf = (number: number): TrioAddresses => ({
  name: `trio-${number}`,
  teacher: `t${number}:1`,
  student: `s${number}:1`,
  anchor: `a${number}:1`,
});

/** Two trios whose services are in the states that a test sets, looked at every second; away after 5 s. */
async function rig() {
  const clock = virtualClock();
  const states = new Map<string, State>();
  const trios = [trioOf(1), trioOf(2)];
  const probe: Probe = async (address) => states.get(address) ?? 'serving';
  const placement = fixedPlacement({ trios, probe, clock, times: { probe: 1, patience: 5 }, stopped: never });
  await clock.advance(0);
  const set = (state: State) => async (name: string) => {
    for (const { name: each, student } of trios) if (each === name) states.set(student, state);
    await clock.advance(6500);
  };
  return { placement, clock, drain: set('not-serving'), kill: set(GONE), heal: set('serving'), states };
}

/** As in the world of the contract, where time passes by itself. */
placementContract(async () => {
  const { placement, clock, drain, kill } = await rig();
  const release: typeof placement.release = async (claim) => {
    await placement.release(claim);
    await clock.advance(0);
  };
  return { placement: { ...placement, release }, drain, kill };
});

test('a trio that cannot be reached for a moment is lost and comes back, and its run stays', async () => {
  const { placement, clock, states } = await rig();
  await placement.acquire(claimOf('a'), never);
  const left = new AbortController();
  const heard: PlacementNews[] = [];
  const watching = (async () => {
    for await (const news of placement.watch(claimOf('a'), left.signal)) heard.push(news);
  })();
  states.set('s1:1', GONE);
  await clock.advance(3000);
  states.delete('s1:1');
  await clock.advance(1000);
  left.abort();
  await watching;
  expect(heard).toEqual([
    { kind: 'lost', role: 'student', message: 'the student of trio trio-1 cannot be reached: connection refused' },
    { kind: 'back' },
  ]);
});

test('a trio that nobody has looked at yet is given to a run, but one that is known to be ready comes first', async () => {
  const clock = virtualClock();
  const probe: Probe = async (address) => (address.includes('1:') ? new Promise<never>(() => undefined) : 'serving');
  const ports = { probe, clock, times: { probe: 1, patience: 5 }, stopped: never };
  const placement = fixedPlacement({ trios: [trioOf(1), trioOf(2)], ...ports });
  await clock.advance(0);
  expect((await placement.acquire(claimOf('a'), never)).name).toBe('trio-2');
  expect((await placement.acquire(claimOf('b'), never)).name).toBe('trio-1');
});

test('a trio that is too busy to answer stays as it was', async () => {
  const { placement, clock, states } = await rig();
  states.set('s1:1', 'silent');
  await clock.advance(60_000);
  expect(placement.states()).toMatchObject({ ready: 2 });
});

test('a trio that was given up is looked at before another run gets it', async () => {
  const { placement, clock, states } = await rig();
  await placement.acquire(claimOf('a'), never);
  states.set('s1:1', 'not-serving');
  await placement.release(claimOf('a'));
  expect(placement.states()).toEqual({ taken: 0, ready: 1, draining: 0, away: 1 });
  await clock.advance(0);
  expect(placement.states()).toEqual({ taken: 0, ready: 1, draining: 1, away: 0 });
  expect(placement.capacity()).toBe(1);
});

test('a trio that drained is free again when it serves, and not while it is gone', async () => {
  const { placement, drain, kill, heal } = await rig();
  await drain('trio-1');
  await kill('trio-1');
  expect(placement.states()).toMatchObject({ ready: 1, draining: 1 });
  await heal('trio-1');
  expect(placement.capacity()).toBe(2);
});
test('a trio that was given up is looked at alone, and is the last that another run gets', async () => {
  const clock = virtualClock();
  const asked: string[] = [];
  const probe: Probe = async (address) => {
    asked.push(address);
    return 'serving';
  };
  const ports = { probe, clock, times: { probe: 1, patience: 5 }, stopped: never };
  const placement = fixedPlacement({ trios: [trioOf(1), trioOf(2)], ...ports });
  await clock.advance(0);
  await placement.acquire(claimOf('a'), never);
  asked.length = 0;
  await placement.release(claimOf('a'));
  await clock.advance(0);
  expect(asked).toEqual(['t1:1', 's1:1', 'a1:1']);
  expect((await placement.acquire(claimOf('b'), never)).name).toBe('trio-2');
});
