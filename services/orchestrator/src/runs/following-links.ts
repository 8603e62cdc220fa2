import { orAborted } from '@trikd/core/async/within';
import { TrikdError } from '@trikd/core/domain/errors';
import { ROLES, type Role, type TrainedRole } from '@trikd/core/domain/position';
import type { TrioAddresses } from '../placement/placement.js';
import type { StepLink, TrainerLink, TrioLinks } from './ports.js';

/** Links to a trio whose services may come back at other addresses. */
export interface FollowingLinks extends TrioLinks {
  /** Every later call goes to the new addresses. What is under way fails with `unavailable`: no attempt survives the loss of a model. */
  moved(trio: TrioAddresses): void;
}

interface Connected {
  readonly trio: TrioAddresses;
  readonly links: TrioLinks;
  /** Aborts when the links are replaced. */
  readonly replaced: AbortController;
}

/** @param connect connects to the services of a trio */
export function followingLinks(trio: TrioAddresses, connect: (trio: TrioAddresses) => TrioLinks): FollowingLinks {
  const open = (at: TrioAddresses): Connected => ({ trio: at, links: connect(at), replaced: new AbortController() });
  let current = open(trio);

  const call = <T>(work: (links: TrioLinks) => Promise<T>): Promise<T> => {
    const { links, replaced } = current;
    return orAborted(work(links), replaced.signal);
  };
  async function* stream<T>(open: (links: TrioLinks, left: AbortSignal) => AsyncIterable<T>, signal?: AbortSignal) {
    const { links, replaced } = current;
    const left = new AbortController();
    const leave = (from: AbortSignal) => () => left.abort(from.reason);
    for (const from of signal ? [signal, replaced.signal] : [replaced.signal]) {
      if (from.aborted) left.abort(from.reason);
      else from.addEventListener('abort', leave(from), { once: true, signal: left.signal });
    }
    try {
      yield* open(links, left.signal);
      if (replaced.signal.aborted) throw replaced.signal.reason;
    } finally {
      left.abort();
    }
  }

  const trainer = (role: TrainedRole): TrainerLink => ({
    role,
    get address() {
      return current.trio[role];
    },
    get replicas() {
      return current.trio.replicas?.[role];
    },
    assign: (assignment) => call(({ trainers }) => trainers[role].assign(assignment)),
    setLimit: (attempt, limit) => call(({ trainers }) => trainers[role].setLimit(attempt, limit)),
    saveAt: (attempt, step) => call(({ trainers }) => trainers[role].saveAt(attempt, step)),
    nextStep: () => call(({ trainers }) => trainers[role].nextStep()),
    past: (attempt) => stream(({ trainers }) => trainers[role].past(attempt)),
    watch: (attempt, signal, connection) =>
      stream(({ trainers }, left) => trainers[role].watch(attempt, left, connection), signal),
  });
  const steps = (role: Role): StepLink => {
    const of = ({ steps: all }: TrioLinks) => all.find((each) => each.role === role);
    return {
      role,
      read: (attempt, fromStep) => call(async (links) => (await of(links)?.read(attempt, fromStep)) ?? { steps: [] }),
      trace: (attempt, traced) => call(async (links) => of(links)?.trace(attempt, traced)),
    };
  };

  return {
    trainers: { teacher: trainer('teacher'), student: trainer('student') },
    anchor: {
      get address() {
        return current.trio.anchor;
      },
      load: (assignment) => call(({ anchor }) => anchor.load(assignment)),
    },
    steps: current.links.steps.map(({ role }) => steps(role)),
    close: () => current.links.close(),
    moved(to) {
      const before = current;
      const moved = ROLES.filter((role) => before.trio[role] !== to[role]).map((role) => `the ${role}`);
      current = open(to);
      const who = moved.length === 0 ? 'a replica' : moved.join(' and ');
      before.replaced.abort(new TrikdError('unavailable', `${who} of trio ${to.name} came back at another address`));
      before.links.close();
    },
  };
}
