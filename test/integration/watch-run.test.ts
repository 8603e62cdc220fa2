import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { firstState } from '@trikd/core/run/state';
import { createRun, saveRun } from '@trikd/core/run/stored/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import type { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { lasting } from '@trikd/testing/clock/lasting';
import { runAfter } from '@trikd/testing/runs/run-after';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { runProgram } from '../../services/cli/src/program.js';
import { cleanUp, gateAt, serve, specOf, trio } from './orchestrator-rig.js';
import { printedBy } from './printed.js';

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

/** All events of an undisturbed run. */
async function eventsOfARun(): Promise<readonly WatchRunResponse[]> {
  const store = memoryStore();
  const { client, create, watch } = await serve(store, await trio(store));
  await create(specOf());
  await watch('trial');
  return numbered(await read(client.watchRun({ runId: 'trial', fromEvent: 1, pastOnly: false }), never));
}

test('a stream is resumed from an event number where it was left, under another leader too, without a gap', async () => {
  const store = memoryStore();
  const held = gateAt(1, 5);
  const models = await trio(store, { gate: held.gate });
  const first = await serve(store, models);
  await first.create(specOf());
  const whole = read(first.client.watchRun({ runId: 'trial', fromEvent: 1, pastOnly: false }), never);
  const left = await read(
    first.client.watchRun({ runId: 'trial', fromEvent: 0, pastOnly: false }),
    ({ number }) => number > 0,
  );
  await held.reached;
  const stopped = first.stop();
  held.open();
  await stopped;
  const before = numbered(await whole);

  const second = await serve(store, models);
  const from = left.at(-1)!.number + 1;
  const rest = await read(second.client.watchRun({ runId: 'trial', fromEvent: from, pastOnly: false }), never);
  expect(rest[0]).toMatchObject({ number: 0, event: { $case: 'run' } });
  const after = numbered(rest);
  const expected = before.filter(({ number }) => number >= from);
  expect(expected.length).toBeGreaterThan(3);
  expect(after.slice(0, expected.length)).toEqual(expected);
  const numbers = after.map(({ number }) => number);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  expect(after.at(-1)?.event).toMatchObject({ $case: 'phaseChanged', value: { phase: 4 } });
  // Every orchestrator streams all of it again when the run is over.
  const again = numbered(await read(second.client.watchRun({ runId: 'trial', fromEvent: 1, pastOnly: false }), never));
  expect(again).toEqual([...before, ...after.slice(expected.length)]);
});

test('hundreds follow one run, and each gets every event but progress that is past', async () => {
  const store = memoryStore();
  const held = gateAt(0, 1);
  const { client, create, orchestrator } = await serve(store, await trio(store, { gate: held.gate }));
  await create(specOf());
  const signal = new AbortController().signal;
  const followers = Array.from({ length: 300 }, () =>
    read(orchestrator.watch({ runId: 'trial', from: 1, pastOnly: false }, signal), never),
  );
  const remote = Array.from({ length: 30 }, () =>
    read(client.watchRun({ runId: 'trial', fromEvent: 1, pastOnly: false }), never),
  );
  await held.reached;
  held.open();
  const streams = (await Promise.all([...followers, ...remote])).map(numbered);
  const all = numbered(await read(client.watchRun({ runId: 'trial', fromEvent: 1, pastOnly: false }), never));
  const lasting = (stream: readonly WatchRunResponse[]) =>
    stream.filter(({ event }) => event?.$case !== 'progress').map(({ number }) => number);
  expect(lasting(all).length).toBeGreaterThan(20);
  for (const stream of streams) expect(lasting(stream)).toEqual(lasting(all));
  // In one process they get the very same messages.
  expect(streams[1]?.at(-1)).toBe(streams[0]?.at(-1));
});

test('a run whose newest events are lost is still streamed to its end', async () => {
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
  const seen = await read(client.watchRun({ runId: 'trial', fromEvent: 1, pastOnly: false }), never);
  expect(numbered(seen)).toHaveLength(5);
  expect(seen.at(-1)).toMatchObject({ number: 0, event: { $case: 'run', value: { phase: 4 } } });
});

test('each committed pair has an event, and the phase only where it changes', async () => {
  const events = await eventsOfARun();
  const phases = events.flatMap(({ event }) => {
    if (event?.$case !== 'phaseChanged') return [];
    const { phase, stage, attempt } = event.value;
    return [`${phase} ${stage} ${attempt}`];
  });
  expect(new Set(phases).size).toBe(phases.length);
  expect(events.filter(({ event }) => event?.$case === 'committed').length).toBeGreaterThan(phases.length);
  expect(events.at(-1)?.event).toMatchObject({ $case: 'phaseChanged', value: { phase: 4, endTime: expect.any(Date) } });
});

test('no numbered event carries a run: each result and each move of the anchor has one of its own', async () => {
  const store = memoryStore();
  const { client, create, watch, get } = await serve(store, await trio(store));
  await create(specOf());
  await watch('trial');
  const all = await read(client.watchRun({ runId: 'trial', fromEvent: 1, pastOnly: false }), never);
  const events = numbered(all).flatMap(({ event }) => event ?? []);
  expect(all.filter(({ event, number }) => event?.$case === 'run' && number > 0)).toEqual([]);
  const run = await get('trial');
  const results = events.flatMap((event) => (event.$case === 'stageEnded' ? (event.value.result ?? []) : []));
  expect(results).toEqual(run?.stages);
  const moves = events.flatMap((event) => (event.$case === 'anchorMoved' ? (event.value.move ?? []) : []));
  expect(moves).toEqual(run?.anchorMoves);
  expect(moves.length).toBeGreaterThan(0);
});

test('the first snapshot with the events after it applied is the run at its end', async () => {
  const store = memoryStore();
  const held = gateAt(1, 3);
  const { client, create, get } = await serve(store, await trio(store, { gate: held.gate }));
  await create(specOf());
  await held.reached;
  const following = read(client.watchRun({ runId: 'trial', fromEvent: 0, pastOnly: false }), never);
  const watching = read(client.watchRun({ runId: 'trial', fromEvent: 1, pastOnly: false }), never);
  held.open();
  const end = await get('trial').then(() => following);
  const run = await get('trial');
  for (const messages of [end, await watching]) {
    expect(runAfter(messages.flatMap(({ event }) => event ?? []))).toEqual(run);
  }
});

/** A paused run with 1536 events on three full pages. */
async function storeThreePages(store: ObjectStore): Promise<void> {
  const run = await createRun(store, RunSpec.parse(specOf()), { at: '2026-11-28T00:00:00.000Z' });
  await saveRun(store, run, { term: 1, state: { ...firstState, phase: 'paused' } });
  const lineOf = (number: number) => JSON.stringify({ number, committed: { stage: 0, step: number } });
  for (const [page, first] of [1, 513, 1025].entries()) {
    const lines = Array.from({ length: 512 }, (_, index) => `${lineOf(first + index)}\n`).join('');
    const name = `${`${page}`.padStart(8, '0')}-${`${first}`.padStart(16, '0')}.jsonl`;
    await store.put(`events/trial/${name}`, Buffer.from(lines));
  }
}

test('a stream can begin with the newest events only, to whole pages', async () => {
  const store = memoryStore();
  await storeThreePages(store);
  const { client } = await serve(store, await trio(store));
  const firstOf = async (newestEvents: number) => {
    const request = { runId: 'trial', fromEvent: 0, pastOnly: true, newestEvents };
    return numbered(await read(client.watchRun(request), never))[0]?.number;
  };
  expect(await Promise.all([firstOf(1), firstOf(513), firstOf(5000)])).toEqual([513, 1, 1]);
});

test('the pages of a run are read once, however many watchers want its history', async () => {
  const store = memoryStore();
  await storeThreePages(store);
  let pages = 0;
  const get: typeof store.get = async (key) => {
    if (key.startsWith('events/')) pages += 1;
    return store.get(key);
  };
  const { client } = await serve({ ...store, get }, await trio(store));
  const histories = Array.from({ length: 20 }, () =>
    read(client.watchRun({ runId: 'trial', fromEvent: 1, pastOnly: true }), never),
  );
  for (const history of await Promise.all(histories)) expect(numbered(history)).toHaveLength(1536);
  expect(pages).toBe(3);
});

describe('with past_only, the stream of a run that goes on', () => {
  test('ends after the newest event, whichever is wanted', async () => {
    const store = memoryStore();
    const held = gateAt(1, 3);
    const { client, create } = await serve(store, await trio(store, { gate: held.gate }));
    await create(specOf());
    await held.reached;
    const all = await read(client.watchRun({ runId: 'trial', fromEvent: 1, pastOnly: true }), never);
    expect(all[0]).toMatchObject({ number: 0, event: { $case: 'run' } });
    expect(numbered(all).length).toBeGreaterThan(5);
    const none = await read(client.watchRun({ runId: 'trial', fromEvent: 0, pastOnly: true }), never);
    expect(none.map(({ number }) => number)).toEqual([0]);
    held.open();
  });

  test('is whole, though each page takes the store seconds: an export misses nothing', async () => {
    const store = memoryStore();
    await storeThreePages(store);
    const get: typeof store.get = async (key) => {
      if (key.startsWith('events/')) await lasting(1600);
      return store.get(key);
    };
    const { address } = await serve({ ...store, get }, await trio(store));
    const folder = mkdtempSync(join(tmpdir(), 'trikd-export-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const words = ['runs', 'export', 'trial', '--server', address, '--format', 'jsonl', '--out', folder];
    const { status, stderr } = await printedBy((shell) => runProgram(words, shell));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = readFileSync(join(folder, 'events.jsonl'), 'utf8').trimEnd().split('\n');
    const numbers = lines.flatMap((line) => JSON.parse(line).number ?? []).map(Number);
    expect(numbers).toEqual(Array.from({ length: 1536 }, (_, index) => index + 1));
  });
});
