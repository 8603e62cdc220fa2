import { z } from 'zod';
import type { Clock } from '../async/clock.js';
import { TrikdError } from '../domain/errors.js';
import type { ObjectStore, StoredObject } from '../domain/object-store.js';
import { decodeJson, encodeJson } from './json-object.js';
import { newestTerm } from './run-store.js';

const LeaseRecord = z.strictObject({
  version: z.literal(1),
  holder: z.string().min(1).describe('names the process'),
  term: z.int().positive().describe('rises with every change of the holder: what this leader writes carries it'),
  beat: z.int().nonnegative().describe('rises with every renewal'),
  released: z.boolean().describe('the holder has left: nobody has to wait for the lease to lapse'),
});
type LeaseRecord = z.infer<typeof LeaseRecord>;

/** Where the orchestrators of one trio elect their leader. */
export const LEASE_KEY = 'leases/orchestrator.json';

/** What holds from one election to the next. */
export interface Leadership {
  readonly term: number;
  /** Aborts, with a TrikdError `out-of-step`, when somebody else leads. */
  readonly lost: AbortSignal;
  /** Lets the next one lead at once. */
  release(): Promise<void>;
}

export interface Candidate {
  /**
   * Resolves when this process leads: when nobody does, or the one who does has not been heard of for the length of the lease.
   * @param above a term that is known to have been, whatever the lease says
   */
  campaign(signal: AbortSignal, above?: number): Promise<Leadership>;
  /** Makes a campaign that is under way, or the next one, succeed at once, whoever leads. */
  seize(): void;
  /** Who led when the lease was written last; undefined: nobody, or it cannot be read. */
  leader(): Promise<string | undefined>;
}

export interface LeaseOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** Names the process. Another process must have another name. */
  readonly holder: string;
  /** How long a leader may be silent before another takes its place. */
  readonly seconds: number;
}

/**
 * A candidate for leading the orchestrators of one trio. The lease decides who works, not what is true: a leader that was frozen
 * and does not know that it has been replaced is stopped by compare-and-swap and by attempt numbers, never by its clock.
 * Times are compared on one's own clock alone: a lease has lapsed when its record was seen to be the same for its whole length.
 */
export function createCandidate({ store, clock, holder, seconds }: LeaseOptions): Candidate {
  const pause = (1000 * seconds) / 3;
  let seizing = false;
  let present: Leadership | undefined;
  let wake = new AbortController();

  const take = async (found: StoredObject | undefined, term: number): Promise<Leadership | undefined> => {
    const record: LeaseRecord = { version: 1, holder, term, beat: 0, released: false };
    const bytes = encodeJson(record);
    const outcome = found ? await store.replace(LEASE_KEY, bytes, found.version) : await store.create(LEASE_KEY, bytes);
    if (outcome === 'conflict' || outcome === 'exists') return undefined;
    seizing = false;
    present = hold({ store, clock, pause }, record);
    return present;
  };

  return {
    seize() {
      // Who leads has nothing to seize, and must not remember the wish for later, when somebody else has seized it.
      if (present && !present.lost.aborted) return;
      seizing = true;
      wake.abort();
    },
    async leader() {
      const found = await store.get(LEASE_KEY).catch(() => undefined);
      const record = found && recordIn(found);
      return record && !record.released ? record.holder : undefined;
    },
    async campaign(signal, above = 0) {
      present = undefined;
      let seen: { readonly version: string; readonly at: number } | undefined;
      let lookedAt = clock.now();
      for (;;) {
        signal.throwIfAborted();
        wake = new AbortController();
        const found = await store.get(LEASE_KEY);
        const record = found && recordIn(found);
        const now = clock.now();
        // Silence that nobody listened to does not count: the store was away, and perhaps for the leader too, or this process was. A
        // store that needs so long for every look would let no leader keep its lease either.
        const missed = now - lookedAt > 2 * pause;
        lookedAt = now;
        if (found && (missed || found.version !== seen?.version)) seen = { version: found.version, at: now };
        const lapsed = seen !== undefined && now - seen.at >= 1000 * seconds;
        if (!found || record?.released || lapsed || seizing) {
          const last = record?.term ?? (await newestTerm(store));
          const leadership = await take(found, 1 + Math.max(above, last));
          if (leadership) return leadership;
          continue;
        }
        const either = AbortSignal.any([signal, wake.signal]);
        await clock.sleep(pause, either).catch(() => undefined);
      }
    },
  };
}

/** What a lease says; undefined when it is damaged: then it tells of nobody who leads, and lapses unless somebody writes it anew. */
function recordIn(found: StoredObject): LeaseRecord | undefined {
  try {
    return decodeJson(LeaseRecord, found.bytes, LEASE_KEY);
  } catch (error) {
    if (error instanceof TrikdError && error.kind === 'corrupt') return undefined;
    throw error;
  }
}

/** Renews the lease until somebody else has it. A store that is away loses nobody the lease: nobody else can take it meanwhile. */
function hold(
  { store, clock, pause }: { readonly store: ObjectStore; readonly clock: Clock; readonly pause: number },
  first: LeaseRecord,
): Leadership {
  const lost = new AbortController();
  const left = new AbortController();
  let record = first;

  const write = async (next: LeaseRecord): Promise<boolean> => {
    const present = await store.get(LEASE_KEY);
    const now = present && decodeJson(LeaseRecord, present.bytes, LEASE_KEY);
    if (!present || now?.term !== record.term || now.holder !== record.holder) return false;
    if ((await store.replace(LEASE_KEY, encodeJson(next), present.version)) !== 'replaced') return false;
    record = next;
    return true;
  };

  const renew = async () => {
    for (;;) {
      await clock.sleep(pause, left.signal);
      try {
        if (await write({ ...record, beat: record.beat + 1 })) continue;
      } catch (error) {
        if (error instanceof TrikdError && error.kind === 'unavailable') continue;
        throw error;
      }
      throw new TrikdError('out-of-step', `another orchestrator leads now, term ${record.term} is over`);
    }
  };
  const renewing = renew().catch((error: unknown) => {
    if (!left.signal.aborted) lost.abort(error);
  });

  return {
    term: first.term,
    lost: lost.signal,
    async release() {
      left.abort(new TrikdError('wrong-state', 'the lease was released'));
      await renewing;
      if (!lost.signal.aborted) await write({ ...record, released: true }).catch(() => false);
    },
  };
}
