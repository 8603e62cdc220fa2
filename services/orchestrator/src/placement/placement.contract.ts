import { describe, expect, test } from 'vitest';
import type { Claim, Placement, PlacementNews } from './placement.js';

/** A placement of two trios, and what a test does to them. */
export interface PlacementRig {
  readonly placement: Placement;
  /** The services of a trio shut down. */
  drain(trio: string): Promise<void>;
  /** The services of a trio cannot be reached any more; resolves when it is away. */
  kill(trio: string): Promise<void>;
}

export const claimOf = (runId: string, number = 1, change: Partial<Claim> = {}): Claim => ({
  ...{ runId, number, priority: 0 },
  ...change,
});
export const never = new AbortController().signal;

/** What every placement does. @param open a new placement whose two trios are ready, or are made when they are acquired */
export function placementContract(open: () => Promise<PlacementRig>): void {
  describe('a placement', () => {
    test('gives two runs two trios, and each the same one again', async () => {
      const { placement } = await open();
      const [a, b] = [await placement.acquire(claimOf('a'), never), await placement.acquire(claimOf('b'), never)];
      expect(new Set([a.name, b.name, a.teacher, b.teacher, a.student, b.student, a.anchor, b.anchor]).size).toBe(8);
      expect(await placement.acquire(claimOf('a'), never)).toEqual(a);
    });

    test('lists the claims that hold a trio, until they are released, however often', async () => {
      const { placement } = await open();
      const names = async () => (await placement.list()).map(({ runId, number }) => `${runId} ${number}`).toSorted();
      for (const runId of ['a', 'b']) await placement.acquire(claimOf(runId), never);
      expect(await names()).toEqual(['a 1', 'b 1']);
      await placement.release(claimOf('a'));
      await placement.release(claimOf('a'));
      await placement.release(claimOf('b', 2));
      expect(await names()).toEqual(['b 1']);
    });

    test('lets a run wait until a trio is free', async () => {
      const { placement } = await open();
      for (const runId of ['a', 'b']) await placement.acquire(claimOf(runId), never);
      const third = placement.acquire(claimOf('c'), never);
      await placement.release(claimOf('b'));
      expect(Object.keys(await third).toSorted()).toEqual(['anchor', 'name', 'student', 'teacher']);
    });

    test('leaves nothing behind of a run that stops waiting', async () => {
      const { placement } = await open();
      for (const runId of ['a', 'b']) await placement.acquire(claimOf(runId), never);
      const left = new AbortController();
      const third = placement.acquire(claimOf('c'), left.signal);
      left.abort(new Error('it was cancelled'));
      await expect(third).rejects.toThrow('it was cancelled');
      expect((await placement.list()).map(({ runId }) => runId)).not.toContain('c');
    });

    test('gives a run the trio that it has already, and nobody else', async () => {
      const { placement } = await open();
      const { name } = await placement.acquire(claimOf('a'), never);
      expect((await placement.acquire(claimOf('a', 1, { trio: name }), never)).name).toBe(name);
      const refused = placement.acquire(claimOf('b', 1, { trio: name }), never);
      await expect(refused).rejects.toMatchObject({ kind: 'wrong-state' });
      const unknown = placement.acquire(claimOf('b', 1, { trio: 'gone' }), never);
      await expect(unknown).rejects.toMatchObject({ kind: 'not-found' });
    });

    test('says that a trio drains, to its run alone', async () => {
      const { placement, drain } = await open();
      const { name } = await placement.acquire(claimOf('a'), never);
      await placement.acquire(claimOf('b'), never);
      const news = firstOf(placement, claimOf('a'), ['draining', 'away']);
      const other = new AbortController();
      const others = newsOf(placement, claimOf('b'), other.signal);
      await drain(name);
      expect(await news).toMatchObject({ kind: 'draining', message: expect.stringContaining(name) });
      other.abort();
      expect((await others).filter(({ kind }) => kind === 'draining' || kind === 'away')).toEqual([]);
    });

    test('says that a trio is away, and does not give it to another run', async () => {
      const { placement, kill } = await open();
      const { name } = await placement.acquire(claimOf('a'), never);
      const news = firstOf(placement, claimOf('a'), ['away']);
      await kill(name);
      expect(await news).toMatchObject({ kind: 'away', message: expect.stringContaining(name) });
      await placement.release(claimOf('a'));
      expect((await placement.acquire(claimOf('b'), never)).name).not.toBe(name);
    });

    test('announces that a trio is free', async () => {
      const { placement } = await open();
      await placement.acquire(claimOf('a'), never);
      const news = placement.news(never);
      await placement.release(claimOf('a'));
      await news;
    });
  });
}

async function firstOf(placement: Placement, claim: Claim, kinds: readonly PlacementNews['kind'][]) {
  for await (const news of placement.watch(claim, never)) if (kinds.includes(news.kind)) return news;
  return undefined;
}

async function newsOf(placement: Placement, claim: Claim, signal: AbortSignal): Promise<readonly PlacementNews[]> {
  const all: PlacementNews[] = [];
  for await (const news of placement.watch(claim, signal)) all.push(news);
  return all;
}
