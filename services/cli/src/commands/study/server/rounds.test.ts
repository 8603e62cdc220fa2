import { TrikdError } from '@trikd/core/domain/errors';
import { specDigest } from '@trikd/core/spec/run-spec';
import { specFor } from '@trikd/testing/specs/spec-for';
import { describe, expect, test } from 'vitest';
import { type Limits, runOfCell, type TrainingPorts, trainRuns } from './rounds.js';
import { type FakeServerRuns, fakeServerRuns } from './testing/fake-server-runs.js';

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

test('a run goes on by itself where its settings let it wait between stages', () => {
  const cell = cellOf({ curriculum: { advance: 'manual' } });
  expect(runOfCell(cell).spec.curriculum.advance).toBe('automatic');
});

const runs = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => {
  const spec = specFor('bare', { name });
  return runOfCell({ spec, digest: specDigest(spec) });
});
const ids = runs.map(({ runId }) => runId);

const lost = new TrikdError('unavailable', 'the server cannot be reached');

/**
 * Trains runs at a server.
 * @param turns what happens after each look at the server, in order; then its first run that trains completes, each time
 */
function trained(
  server: Pick<FakeServerRuns, 'runs' | 'inPhase' | 'end'>,
  limits: Limits,
  turns: readonly (() => void)[] = [],
) {
  const coming = [...turns];
  const seen = {
    collected: [] as string[],
    before: [] as string[],
    scored: [] as string[],
    said: [] as string[],
    /** Runs that had not ended at each look. */
    unfinished: [] as number[],
    failing: 0,
    /** Milliseconds. */
    pauses: [] as number[],
  };
  const failing = <T>(call: () => Promise<T>): Promise<T> => {
    if (seen.failing === 0) return call();
    seen.failing--;
    return Promise.reject(lost);
  };
  let requests = 0;
  const ports: TrainingPorts = {
    runs: {
      find: (runId) => failing(() => server.runs.find(runId)),
      create: (spec, requestId) => failing(() => server.runs.create(spec, requestId)),
    },
    collect: async ({ runId }, before) => {
      seen.collected.push(runId);
      if (before) seen.before.push(runId);
      return async () => void seen.scored.push(runId);
    },
    requestId: () => String(requests++),
    show: (shown) => seen.unfinished.push(shown.length),
    say: (line) => seen.said.push(line),
    async pause(milliseconds) {
      seen.pauses.push(milliseconds);
      const turn = coming.shift();
      const [next] = server.inPhase('training');
      if (turn) turn();
      else if (next !== undefined) server.end(next, 'completed');
    },
    now: () => seen.pauses.reduce((sum, each) => sum + each, 0) / 1e3,
    random: () => 1,
    patience: 60,
  };
  const ended = trainRuns(runs, ports, limits);
  const fail = (calls: number) => {
    seen.failing = calls;
  };
  return { ended, seen, fail };
}

const alone: Limits = { unfinished: 64, queued: 2 };

describe('runs at a server', () => {
  test('are created in their order, as many at once as asked, and each is collected once', async () => {
    const server = fakeServerRuns(6);
    const { ended, seen } = trained(server, { unfinished: 2, queued: 2 });
    await ended;
    expect(server.created).toEqual(ids);
    expect([seen.collected, seen.scored, seen.before]).toEqual([ids, ids, []]);
    expect(Math.max(...seen.unfinished)).toBe(2);
  });

  test('fill the trios of the server, and two wait', async () => {
    const server = fakeServerRuns(3);
    const idle = () => undefined;
    const { ended, seen } = trained(server, alone, [idle, idle, idle]);
    await ended;
    expect(Math.max(...seen.unfinished)).toBe(5);
    expect(seen.collected.toSorted()).toEqual(ids);
  });

  test('that are there already are waited for, those that failed are continued, and no time is counted for what had ended', async () => {
    const server = fakeServerRuns(6);
    for (const { spec } of runs.slice(0, 3)) await server.runs.create(spec, 'earlier');
    server.end(ids[0]!, 'completed');
    server.end(ids[1]!, 'failed');
    const { ended, seen } = trained(server, alone);
    await ended;
    expect(server.created.slice(3)).toEqual([ids[1], ...ids.slice(3)]);
    expect(seen.before).toEqual([ids[0]]);
    expect(seen.collected.toSorted()).toEqual(ids);
  });

  test('are found again after a lost connection, with longer and longer pauses', async () => {
    const server = fakeServerRuns(6);
    const rig = trained(server, alone, [() => rig.fail(3)]);
    await rig.ended;
    expect(rig.seen.said).toEqual([expect.stringContaining(lost.message), 'the connection is back']);
    expect(rig.seen.pauses.slice(1, 4)).toEqual([500, 1000, 2000]);
    expect(rig.seen.collected.toSorted()).toEqual(ids);
  });

  test('go on when the server cannot be reached for too long, which the command reports', async () => {
    const server = fakeServerRuns(6);
    const rig = trained(server, alone, [() => rig.fail(1e6)]);
    await expect(rig.ended).rejects.toBe(lost);
    expect(rig.seen.unfinished.at(-1)).toBe(2);
    expect(rig.seen.collected).toEqual([]);
  });

  test('are not waited for at a server that never answered', async () => {
    const server = fakeServerRuns(6);
    const away = { find: () => Promise.reject(lost), create: () => Promise.reject(lost) };
    const { ended, seen } = trained({ ...server, runs: { ...server.runs, ...away } }, alone);
    await expect(ended).rejects.toBe(lost);
    expect(seen.pauses).toEqual([]);
  });

  test.each([
    ['failed', /failed: it was told to/],
    ['cancelled', /was cancelled; `trikd runs delete/],
  ] as const)('after one that %s, those that were created are waited for and no other is', async (phase, message) => {
    const server = fakeServerRuns(2);
    const rig = trained(server, { unfinished: 2, queued: 2 }, [() => server.end(ids[0]!, phase)]);
    await expect(rig.ended).rejects.toThrow(message);
    expect(server.created).toEqual(ids.slice(0, 2));
    expect(rig.seen.scored).toEqual([ids[1]]);
  });

  test('that were deleted are a failure', async () => {
    const server = fakeServerRuns(2);
    const rig = trained(server, { unfinished: 1, queued: 1 }, [() => server.remove(ids[0]!)]);
    await expect(rig.ended).rejects.toThrow(/was deleted; the same command creates it again/);
  });

  test('wait where the server lets no more of them wait, which is said once', async () => {
    const server = fakeServerRuns(1, 1);
    const { ended, seen } = trained(server, { unfinished: 6, queued: 6 });
    await ended;
    expect(seen.collected).toEqual(ids);
    expect(seen.said).toEqual(['waiting to create more runs: 1 runs wait already']);
  });

  test('with another spec than expected are not taken for those of the study', async () => {
    const server = fakeServerRuns(6);
    await server.runs.create(runs[0]!.spec, 'earlier');
    const find: FakeServerRuns['runs']['find'] = async (runId) => {
      const run = await server.runs.find(runId);
      return run && { ...run, digest: 'another' };
    };
    const { ended, seen } = trained({ ...server, runs: { ...server.runs, find } }, alone);
    await expect(ended).rejects.toThrow(/is not that of the study/);
    expect(seen.collected).toEqual([]);
  });
});
