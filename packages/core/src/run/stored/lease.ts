import { z } from 'zod';
import type { Clock } from '../../async/clock.js';
import { createSerial } from '../../async/serial.js';
import { TrikdError } from '../../domain/errors.js';
import type { ObjectStore, StoredObject } from '../../domain/object-store.js';
import { decodeVersionedJson, encodeJson } from './json-object.js';
import { newestTerm } from './run-store.js';

/** Of the leases that are written and read. */
const LEASE_VERSION = 1;

const LeaseRecord = z.strictObject({
  version: z.literal(LEASE_VERSION),
  holder: z.string().min(1).describe('name of the process'),
  term: z.int().positive().describe('rises with every change of the holder; every write of this leader carries it'),
  beat: z.int().nonnegative().describe('rises with every renewal'),
  released: z.boolean().describe('the holder has left: the lease need not lapse'),
});
type LeaseRecord = z.infer<typeof LeaseRecord>;

/** Key of the lease by which the orchestrators of one trio elect their leader. */
export const LEASE_KEY = 'leases/orchestrator.json';

/** The lead of one process, from its election to the next. */
export interface Leadership {
  readonly term: number;
  /** Aborts, with a TrikdError `out-of-step`, when another process leads. */
  readonly lost: AbortSignal;
  /** Renews the lease now. Whether this process leads, as the store has it. @throws TrikdError `unavailable` */
  confirm(): Promise<boolean>;
  /** Releases the lease, so that another process can lead at once. */
  release(): Promise<void>;
}

export interface Candidate {
  /**
   * Resolves when this process leads: when there is no leader, or the leader has been silent for the length of the lease.
   * @param above a term that is known to have existed, whatever the lease says
   */
  campaign(signal: AbortSignal, above?: number): Promise<Leadership>;
  /** Makes the current or the next campaign succeed at once, even against another leader. */
  seize(): void;
  /** The holder when the lease was last written; undefined: none, or the lease cannot be read. */
  leader(): Promise<string | undefined>;
}

export interface LeaseOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** Name of the process, different from that of any other. */
  readonly holder: string;
  /** How long a leader may be silent before another process takes the lead. */
  readonly seconds: number;
}

/**
 * A candidate for the lead of the orchestrators of one trio. The lease decides which process works, not what is true: a leader that was
 * frozen and does not know that it was replaced is stopped by compare-and-swap and by attempt numbers, never by its clock.
 * A process compares times of its own clock only: a lease has lapsed when its record has not changed for its whole length.
 */
export function createCandidate({ store, clock, holder, seconds }: LeaseOptions): Candidate {
  const pause = (1000 * seconds) / 3;
  let seizing = false;
  /** The highest term in any lease that this process has read: the next one may be damaged. */
  let newest = 0;
  let present: Leadership | undefined;
  let wake = new AbortController();

  const take = async (found: StoredObject | undefined, term: number): Promise<Leadership | undefined> => {
    const record: LeaseRecord = { version: LEASE_VERSION, holder, term, beat: 0, released: false };
    const bytes = encodeJson(record);
    const outcome = found ? await store.replace(LEASE_KEY, bytes, found.version) : await store.create(LEASE_KEY, bytes);
    if (outcome === 'conflict' || outcome === 'exists') return undefined;
    seizing = false;
    present = hold({ store, clock, pause }, record);
    return present;
  };

  return {
    seize() {
      // A leader has nothing to seize, and must not seize the lease later, when another process has seized it.
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
        newest = Math.max(newest, record?.term ?? 0);
        const now = clock.now();
        // Silence counts only while this process can read the store: otherwise the store may be away for the leader too. A store
        // that takes this long for every read would let no leader keep its lease either.
        const missed = now - lookedAt > 2 * pause;
        lookedAt = now;
        if (found && (missed || found.version !== seen?.version)) seen = { version: found.version, at: now };
        const lapsed = seen !== undefined && now - seen.at >= 1000 * seconds;
        if (!found || record?.released || lapsed || seizing) {
          const last = record?.term ?? (await newestTerm(store));
          const leadership = await take(found, 1 + Math.max(above, newest, last));
          if (leadership) return leadership;
          continue;
        }
        const either = AbortSignal.any([signal, wake.signal]);
        await clock.sleep(pause, either).catch(() => undefined);
      }
    },
  };
}

/** The record of a lease; undefined when it is damaged: then it names no leader, and lapses unless it is written again. */
function recordIn(found: StoredObject): LeaseRecord | undefined {
  try {
    return decodeVersionedJson(LeaseRecord, found.bytes, LEASE_KEY, LEASE_VERSION);
  } catch (error) {
    if (error instanceof TrikdError && error.kind === 'corrupt') return undefined;
    throw error;
  }
}

/** Renews the lease until another process has it. An unreachable store costs no lease: no other process can take it meanwhile. */
function hold(
  { store, clock, pause }: { readonly store: ObjectStore; readonly clock: Clock; readonly pause: number },
  first: LeaseRecord,
): Leadership {
  const lost = new AbortController();
  const left = new AbortController();
  let record = first;
  // Two renewals at once would take each other for another process.
  const writes = createSerial();

  const write = (change: Partial<LeaseRecord>): Promise<boolean> =>
    writes.run(() => writeNow({ ...record, ...change }));
  const renewOnce = () => writes.run(() => writeNow({ ...record, beat: record.beat + 1 }));

  const writeNow = async (next: LeaseRecord): Promise<boolean> => {
    const present = await store.get(LEASE_KEY);
    const now = present && decodeVersionedJson(LeaseRecord, present.bytes, LEASE_KEY, LEASE_VERSION);
    if (!present || now?.term !== record.term || now.holder !== record.holder) return false;
    if ((await store.replace(LEASE_KEY, encodeJson(next), present.version)) !== 'replaced') return false;
    record = next;
    return true;
  };

  const renew = async () => {
    for (;;) {
      await clock.sleep(pause, left.signal);
      try {
        if (await renewOnce()) continue;
      } catch (error) {
        if (error instanceof TrikdError && error.kind === 'unavailable') continue;
        throw error;
      }
      throw new TrikdError('out-of-step', `another orchestrator leads now, and term ${record.term} is over`);
    }
  };
  const renewing = renew().catch((error: unknown) => {
    if (!left.signal.aborted) lost.abort(error);
  });

  return {
    term: first.term,
    lost: lost.signal,
    confirm: async () => !left.signal.aborted && !lost.signal.aborted && (await renewOnce()),
    async release() {
      left.abort(new TrikdError('wrong-state', 'the lease was released'));
      await renewing;
      if (!lost.signal.aborted) await write({ released: true }).catch(() => false);
    },
  };
}
