import type { Feeds } from '@trikd/engine';
import { TrikdError } from '../../domain/errors.js';
import { joined } from '../../domain/matrix.js';
import { BATCH_INPUTS, LOGITS, type ModelSession, TRAIN } from '../role-program.js';
import type { Replica } from './replica.js';

/** What a learner with several replicas is made of. */
export interface Replicas {
  /** The session of the first replica. It evaluates, and its state is the one that is saved: all replicas have the same. */
  readonly leader: ModelSession;
  /** By rank. */
  readonly replicas: readonly Replica[];
  /** The participants whose logits a step receives. */
  readonly sources: readonly string[];
  /** What each replica draws random numbers with, by rank. */
  readonly seeds: readonly Int32Array[];
}

/** A step under way. */
interface Step {
  /** Of all parts of the batch, by rank. */
  readonly logits: Promise<readonly Float32Array[]>;
  /** Of the others, for the whole batch, as far as they have arrived. */
  readonly targets: Map<string, Float32Array>;
  /** All of them have arrived. */
  readonly arrived: PromiseWithResolvers<void>;
}

/**
 * Replicas of a learner as one session. A step takes the whole batch, gives each replica its part in the order of the ranks, and speaks
 * for all of them: its logits are those of the parts, joined. Each replica updates its params with the mean over all replicas, added up by
 * rank, so that all have the same params after each step.
 */
export function replicatedSession({ leader, replicas, sources, seeds }: Replicas): ModelSession {
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => undefined);
  let step: Step | undefined;
  /** The other replicas have made their latest update. */
  let updated: Promise<unknown> = Promise.resolve();

  function begin(feeds: Feeds): Promise<Record<string, Float32Array>> {
    const forward = () => replicas.map((replica, rank) => replica.forward(partOf(feeds, rank, seeds)));
    const begun: Step = {
      logits: updated.then(() => Promise.all(forward())),
      targets: new Map(),
      arrived: Promise.withResolvers<void>(),
    };
    if (sources.length === 0) begun.arrived.resolve();
    step = begun;
    return end(begun);
  }

  async function end({ logits, targets, arrived }: Step): Promise<Record<string, Float32Array>> {
    await logits;
    await Promise.race([arrived.promise, closed.promise]);
    const shares = replicas.map((replica, rank) =>
      replica.backward(new Map([...targets].map(([source, rows]) => [source, slice(rows, rank, replicas.length)]))),
    );
    const sum = sumOf(await Promise.all(shares));
    const [own, ...others] = replicas.map((replica) => replica.update(sum));
    // With the sum the step is trained: a replica that is lost now fails the next one, whose state before it is what this one leaves.
    updated = Promise.all(others);
    updated.catch(() => undefined);
    return own!;
  }

  function current(): Step {
    if (step) return step;
    throw new TrikdError('wrong-state', 'no step is under way');
  }

  return {
    run: (name, feeds) => (name === TRAIN ? begin(feeds) : leader.run(name, feeds)),
    async take(port) {
      if (port !== LOGITS) return leader.take(port);
      return joined(await current().logits);
    },
    async put(port, values) {
      const { targets, arrived } = current();
      targets.set(port, values);
      if (sources.every((source) => targets.has(source))) arrived.resolve();
    },
    state: (kinds) => leader.state(kinds),
    async assign(state) {
      await updated;
      await Promise.all(replicas.map((replica) => replica.assign(state)));
    },
    async close() {
      closed.reject(new TrikdError('wrong-state', 'the session is closed'));
      await Promise.all(replicas.map((replica) => replica.close()));
    },
  };
}

/** What a replica is fed with: its rows of the batch, its seed, and the numbers that are the same for all. */
function partOf(feeds: Feeds, rank: number, seeds: readonly Int32Array[]): Feeds {
  const parts = Object.entries(feeds).map(([name, value]) => {
    if (name === 'seed') return [name, seeds[rank]!] as const;
    const isPerRow = typeof value !== 'number' && BATCH_INPUTS.includes(name);
    return [name, isPerRow ? slice(value, rank, seeds.length) : value] as const;
  });
  return Object.fromEntries(parts);
}

/** One of `count` equal parts. */
function slice<T extends Float32Array | Int32Array | Uint8Array>(values: T, index: number, count: number): T {
  const size = values.length / count;
  return values.subarray(index * size, (index + 1) * size) as T;
}

/**
 * The sum of arrays of one length, added in their order: ((first + second) + third) and so on, in float32. The order is part of the
 * result, bit for bit.
 * @throws RangeError for arrays of different lengths
 */
export function sumOf([first, ...others]: readonly Float32Array[]): Float32Array {
  const sum = Float32Array.from(first ?? []);
  for (const each of others) {
    if (each.length !== sum.length) throw new RangeError(`${each.length} numbers, expected ${sum.length}`);
    for (let i = 0; i < sum.length; i++) sum[i]! += each[i]!;
  }
  return sum;
}
