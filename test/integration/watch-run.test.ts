import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, expect, test } from 'vitest';
import { cleanUp, gateAt, serve, specOf, trio } from './orchestrator-rig.js';

afterEach(cleanUp);

async function read(messages: AsyncIterable<WatchRunResponse>, until: (message: WatchRunResponse) => boolean) {
  const seen: WatchRunResponse[] = [];
  for await (const message of messages) {
    seen.push(message);
    if (until(message)) break;
  }
  return seen;
}
const numbered = (messages: readonly WatchRunResponse[]) => messages.filter(({ number }) => number > 0);
const never = () => false;

/** All that is told of a run that nothing happens to. */
async function toldOfARun(): Promise<readonly WatchRunResponse[]> {
  const store = memoryStore();
  const { client, create, watch } = await serve(store, await trio(store));
  await create(specOf());
  await watch('trial');
  return numbered(await read(client.watchRun({ runId: 'trial', fromEvent: 1 }), never));
}

test('a stream is resumed from an event number where it was left, under another leader too, without a gap', async () => {
  const store = memoryStore();
  const held = gateAt(1, 5);
  const models = await trio(store, { gate: held.gate });
  const first = await serve(store, models);
  await first.create(specOf());
  const whole = read(first.client.watchRun({ runId: 'trial', fromEvent: 1 }), never);
  const left = await read(first.client.watchRun({ runId: 'trial', fromEvent: 0 }), ({ number }) => number > 0);
  await held.reached;
  const stopped = first.stop();
  held.open();
  await stopped;
  const before = numbered(await whole);

  const second = await serve(store, models);
  const from = left.at(-1)!.number + 1;
  const rest = await read(second.client.watchRun({ runId: 'trial', fromEvent: from }), never);
  expect(rest[0]).toMatchObject({ number: 0, event: { $case: 'run' } });
  const after = numbered(rest);
  const expected = before.filter(({ number }) => number >= from);
  expect(expected.length).toBeGreaterThan(3);
  expect(after.slice(0, expected.length)).toEqual(expected);
  const numbers = after.map(({ number }) => number);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  expect(after.at(-1)?.event).toMatchObject({ $case: 'run', value: { phase: 4, spec: '' } });
  // And all of it again, from anybody, when the run is over.
  const again = numbered(await read(second.client.watchRun({ runId: 'trial', fromEvent: 1 }), never));
  expect(again).toEqual([...before, ...after.slice(expected.length)]);
});

test('hundreds follow one run, and each hears all of it but progress that is past', async () => {
  const store = memoryStore();
  const held = gateAt(0, 1);
  const { client, create, orchestrator } = await serve(store, await trio(store, { gate: held.gate }));
  await create(specOf());
  const signal = new AbortController().signal;
  const followers = Array.from({ length: 300 }, () => read(orchestrator.watch('trial', 1, signal), never));
  const remote = Array.from({ length: 30 }, () => read(client.watchRun({ runId: 'trial', fromEvent: 1 }), never));
  await held.reached;
  held.open();
  const stories = (await Promise.all([...followers, ...remote])).map(numbered);
  const all = numbered(await read(client.watchRun({ runId: 'trial', fromEvent: 1 }), never));
  const lasting = (story: readonly WatchRunResponse[]) =>
    story.filter(({ event }) => event?.$case !== 'progress').map(({ number }) => number);
  expect(lasting(all).length).toBeGreaterThan(20);
  for (const story of stories) expect(lasting(story)).toEqual(lasting(all));
  // In one process they get the very same messages.
  expect(stories[1]?.at(-1)).toBe(stories[0]?.at(-1));
});

test('a run whose newest events are lost is told of to its end all the same', async () => {
  const store = memoryStore();
  const { client, create, watch } = await serve(store, await trio(store));
  await create(specOf());
  await watch('trial');
  const [page] = await store.list('events/trial/');
  const lines = Buffer.from((await store.get(page!))!.bytes)
    .toString()
    .trimEnd()
    .split('\n');
  await store.put(page!, Buffer.from(lines.slice(0, 5).join('\n')));
  const seen = await read(client.watchRun({ runId: 'trial', fromEvent: 1 }), never);
  expect(numbered(seen)).toHaveLength(5);
  expect(seen.at(-1)).toMatchObject({ number: 0, event: { $case: 'run', value: { phase: 4 } } });
});

test('a pair that is committed is told by itself, and the run only where it has changed', async () => {
  const told = await toldOfARun();
  const changing = told.flatMap(({ event }) => {
    if (event?.$case !== 'run') return [];
    const { progress: _, updateTime: _at, ...run } = event.value;
    return [JSON.stringify(run)];
  });
  expect(new Set(changing).size).toBe(changing.length);
  expect(told.filter(({ event }) => event?.$case === 'committed').length).toBeGreaterThan(changing.length);
});

test('an event of a run has the last result and the last move of the anchor alone, until the end tells all', async () => {
  const told = await toldOfARun();
  const runs = told.flatMap(({ event }) => (event?.$case === 'run' ? [event.value] : []));
  const end = runs.pop();
  const [results, moves] = [runs.flatMap(({ generations }) => generations), runs.flatMap((run) => run.anchorMoves)];
  expect(end?.generations.length).toBeGreaterThan(2);
  for (const { generations, anchorMoves } of runs) {
    expect(generations.length).toBeLessThanOrEqual(1);
    expect(anchorMoves.length).toBeLessThanOrEqual(1);
  }
  // What ends with the last generation is told by the end.
  expect(new Set(results.map(({ generation }) => generation)).size).toBe(end!.generations.length - 1);
  expect(end?.generations).toEqual(expect.arrayContaining(results));
  expect(end?.anchorMoves).toEqual(expect.arrayContaining(moves));
  expect(moves.length).toBeGreaterThan(0);
});
