import { type Bell, createBell } from '@trikd/core/async/bell';
import type { Clock } from '@trikd/core/async/clock';
import { orAborted, within } from '@trikd/core/async/within';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Claim, Placement, PlacementNews, TrioAddresses, TrioStates } from './placement.js';
import { type Probe, probeTrio, type TrioHealth } from './trio-health.js';

export interface FixedPorts {
  readonly trios: readonly TrioAddresses[];
  readonly probe: Probe;
  readonly clock: Clock;
  readonly times: {
    /** Seconds between two looks at the health of the trios. */
    readonly probe: number;
    /** Seconds without an answer, before a trio is away. */
    readonly patience: number;
  };
  /** Aborts when the trios are not looked at any more. */
  readonly stopped: AbortSignal;
}

/** The trios of the configuration. Who has which is known to this process alone, and to the records of the runs. */
export interface FixedPlacement extends Placement {
  states(): TrioStates;
}

interface Trio {
  readonly addresses: TrioAddresses;
  health: TrioHealth;
  claim?: Claim | undefined;
  /** Rings when it is to be looked at at once. */
  readonly due: Bell;
}

/** A trio that was just given up may be shutting down: it is looked at before it is given to another run. */
const UNCHECKED: TrioHealth = {
  kind: 'lost',
  at: Number.POSITIVE_INFINITY,
  role: 'teacher',
  message: 'not looked at yet',
};

/** Without a reason, each would get an error of its own, with a stack that nobody reads. */
const LOOKED = new Error('the trio is looked at');

export function fixedPlacement({ trios: addresses, probe, clock, times, stopped }: FixedPorts): FixedPlacement {
  const trios = addresses.map((each): Trio => ({ addresses: each, health: { kind: 'unknown' }, due: createBell() }));
  const changed = createBell();

  async function look(trio: Trio): Promise<void> {
    const before = trio.health;
    const known = before === UNCHECKED ? { kind: 'unknown' as const } : before;
    const found = await probeTrio(trio.addresses, known, probe, 1000 * times.patience, () => clock.now());
    // The trio was given up in the meantime.
    if (trio.health !== before) return look(trio);
    trio.health = found;
    if (found.kind !== before.kind) changed.ring();
  }

  async function lookAgainAndAgain(trio: Trio): Promise<void> {
    while (!stopped.aborted) {
      const again = new AbortController();
      const rung = trio.due.heard(AbortSignal.any([again.signal, stopped]));
      await look(trio);
      await within(rung, times.probe, clock);
      again.abort(LOOKED);
    }
  }
  for (const trio of trios) void lookAgainAndAgain(trio);

  const isFree = ({ claim, health }: Trio) => !claim && (health.kind === 'ready' || health.kind === 'unknown');
  const find = (claim: Pick<Claim, 'runId' | 'number'>) =>
    trios.find((trio) => trio.claim?.runId === claim.runId && trio.claim.number === claim.number);

  function named(name: string, runId: string): Trio {
    const trio = trios.find((each) => each.addresses.name === name);
    if (!trio) throw new TrikdError('not-found', `there is no trio ${name} in the configuration any more`);
    if (!trio.claim || trio.claim.runId === runId) return trio;
    throw new TrikdError('wrong-state', `trio ${name} belongs to run ${trio.claim.runId} now`);
  }

  return {
    restores: false,
    assertPossible: () => undefined,
    pending: () => undefined,
    capacity: () => trios.filter((trio) => trio.claim || isFree(trio)).length,
    async acquire(claim, signal) {
      for (;;) {
        signal.throwIfAborted();
        const trio =
          find(claim) ??
          (claim.trio === undefined
            ? (trios.find((each) => isFree(each) && each.health.kind === 'ready') ?? trios.find(isFree))
            : named(claim.trio, claim.runId));
        if (trio) {
          trio.claim = claim;
          changed.ring();
          return trio.addresses;
        }
        await orAborted(changed.heard(signal), signal);
      }
    },
    async *watch(claim, signal) {
      let last: TrioHealth['kind'] = 'ready';
      for (;;) {
        const trio = find(claim);
        if (!trio || signal.aborted) return;
        const { health } = trio;
        const news = health.kind === last ? undefined : newsOf(health);
        last = health.kind === 'unknown' ? 'ready' : health.kind;
        if (news) yield news;
        else await orAborted(changed.heard(signal), signal).catch(() => undefined);
      }
    },
    async release(claim) {
      const trio = find(claim);
      if (!trio) return;
      trio.claim = undefined;
      // A run may give a trio up because it does not answer: the others are given to runs first.
      trios.push(...trios.splice(trios.indexOf(trio), 1));
      if (trio.health.kind === 'ready' || trio.health.kind === 'unknown') trio.health = UNCHECKED;
      trio.due.ring();
      changed.ring();
    },
    list: async () => trios.flatMap(({ claim }) => claim ?? []),
    news: async (signal) => {
      await orAborted(changed.heard(signal), signal).catch(() => undefined);
    },
    states: () => {
      const count = (fits: (trio: Trio) => boolean) => trios.filter(fits).length;
      return {
        taken: count(({ claim }) => claim !== undefined),
        ready: count(isFree),
        draining: count(({ claim, health }) => !claim && health.kind === 'draining'),
        away: count(({ claim, health }) => !claim && (health.kind === 'away' || health.kind === 'lost')),
      };
    },
  };
}

function newsOf(health: TrioHealth): PlacementNews | undefined {
  switch (health.kind) {
    case 'unknown':
      return undefined;
    case 'ready':
      return { kind: 'back' };
    case 'lost':
      return { kind: 'lost', role: health.role, message: health.message };
    case 'draining':
    case 'away':
      return health;
  }
}
