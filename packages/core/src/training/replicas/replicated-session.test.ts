import type { Feeds } from '@trikd/engine';
import { describe, expect, test } from 'vitest';
import { LOGITS, type ModelSession, TRAIN } from '../role-program.js';
import type { Replica } from './replica.js';
import { replicatedSession, sumOf } from './replicated-session.js';

const outputs = { terms: Float32Array.of(1) };
const feeds = {
  images: Uint8Array.of(1, 2, 3, 4),
  labels: Int32Array.of(5, 6),
  learningRate: 0.5,
  seed: Int32Array.of(0),
};

/** Replicas that answer with their images, and keep what they are handed. */
function rig({ fails = {} }: { readonly fails?: Partial<Record<keyof Replica, boolean>> } = {}) {
  const handed: { readonly rank: number; readonly what: string; readonly value: unknown }[] = [];
  const replica = (rank: number): Replica => {
    const hand = <T>(what: keyof Replica, value: unknown, answer: T): Promise<T> => {
      if (rank === 1 && fails[what]) return Promise.reject(new Error(`lost in ${what}`));
      handed.push({ rank, what, value });
      return Promise.resolve(answer);
    };
    return {
      forward: (own: Feeds) => hand('forward', own, Float32Array.from(own.images as Uint8Array)),
      backward: (targets) => hand('backward', targets.get('peer'), Float32Array.of(rank + 1, 10)),
      update: (sum) => hand('update', sum, outputs),
      assign: (state) => hand('assign', state, undefined),
      close: () => hand('close', undefined, undefined),
    };
  };
  const leader = {} as ModelSession;
  const seeds = [Int32Array.of(7), Int32Array.of(8)];
  const session = replicatedSession({ leader, replicas: [replica(0), replica(1)], sources: ['peer'], seeds });
  const of = (what: keyof Replica) => handed.filter((each) => each.what === what).map(({ value }) => value);
  return { session, of };
}

async function step(session: ModelSession) {
  const running = session.run(TRAIN, feeds);
  running.catch(() => undefined);
  const logits = await session.take(LOGITS);
  await session.put('peer', Float32Array.of(1, 2, 3, 4));
  return { logits, outputs: await running };
}

describe('a step of replicas', () => {
  test('gives each its rows of the batch and its seed, and joins their logits', async () => {
    const { session, of } = rig();
    expect(await step(session)).toEqual({ logits: Float32Array.of(1, 2, 3, 4), outputs });
    expect(of('forward')).toEqual([
      { images: Uint8Array.of(1, 2), labels: Int32Array.of(5), learningRate: 0.5, seed: Int32Array.of(7) },
      { images: Uint8Array.of(3, 4), labels: Int32Array.of(6), learningRate: 0.5, seed: Int32Array.of(8) },
    ]);
    expect(of('backward')).toEqual([Float32Array.of(1, 2), Float32Array.of(3, 4)]);
  });

  test('hands all of them the same sum', async () => {
    const { session, of } = rig();
    await step(session);
    expect(of('update')).toEqual([Float32Array.of(3, 20), Float32Array.of(3, 20)]);
  });

  test.each(['forward', 'backward'] as const)('that loses one in %s updates none', async (what) => {
    const { session, of } = rig({ fails: { [what]: true } });
    await expect(step(session)).rejects.toThrow(`lost in ${what}`);
    expect(of('update')).toEqual([]);
  });

  test('that loses one in its update is trained, and the next one fails', async () => {
    const { session } = rig({ fails: { update: true } });
    expect((await step(session)).outputs).toEqual(outputs);
    await expect(step(session)).rejects.toThrow('lost in update');
  });

  test('that waits for the logits of others ends when the session is closed', async () => {
    const { session } = rig();
    const running = session.run(TRAIN, feeds);
    await session.take(LOGITS);
    await session.close();
    await expect(running).rejects.toThrow('the session is closed');
  });
});

test('shares are added in the order of the ranks', () => {
  // In float32, 2^24 + 1 is 2^24: in another order the ones would count.
  expect(sumOf([Float32Array.of(2 ** 24), Float32Array.of(1), Float32Array.of(1)])).toEqual(Float32Array.of(2 ** 24));
  expect(sumOf([Float32Array.of(1), Float32Array.of(1), Float32Array.of(2 ** 24)])).toEqual(
    Float32Array.of(2 ** 24 + 2),
  );
});
