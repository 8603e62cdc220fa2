import type { Role, TrainedRole } from '@trikd/core/domain/position';
import type { PlacementRequest } from '@trikd/core/run/placement';
import type { Wait } from '@trikd/core/run/queue';

/** The claim of a run to a trio. (runId, number) identifies it: a run makes a new claim for each trio. */
export interface Claim {
  readonly runId: string;
  readonly number: number;
  /** The trio that the run has already; absent: any. */
  readonly trio?: string;
  /** Kind of trio; absent: any. */
  readonly class?: string;
  /** Queue of the cluster; absent: the default one. */
  readonly queue?: string;
  /** The most replicas of a learner in each slot; absent: 1. A placement that starts processes starts as many. */
  readonly replicas?: Readonly<Record<TrainedRole, number>>;
  readonly priority: number;
}

/** What identifies a claim. */
export type ClaimName = Pick<Claim, 'runId' | 'number'>;

/** The name of a claim in one text. */
export function claimKey({ runId, number }: ClaimName): string {
  return `${runId} ${number}`;
}

/** A trio, as its run and its orchestrator reach it: host:port of each service. */
export interface TrioAddresses extends Readonly<Record<Role, string>> {
  readonly name: string;
  /** host:port of the trainers for further replicas, from rank 1 on; absent: the configurations of the trainers name them. */
  readonly replicas?: Readonly<Record<TrainedRole, readonly string[]>>;
}

/** Something happened to a process of a trio that its run notices only as a lost connection, if at all. */
export interface Incident {
  readonly role: Role;
  /** One word for programs, such as `OOMKilled`. */
  readonly reason: string;
  /** One sentence, which names the trio. */
  readonly message: string;
}

/** What happens to the trio of a claim. */
export type PlacementNews =
  /** A service cannot be reached at the moment. */
  | { readonly kind: 'lost'; readonly role: Role; readonly message: string }
  /** All services can be reached again. */
  | { readonly kind: 'back' }
  /** All services can be reached, some of them at another address: what was under way with those is lost. */
  | { readonly kind: 'moved'; readonly trio: TrioAddresses }
  /** It changes nothing by itself. */
  | ({ readonly kind: 'incident' } & Incident)
  /** A service is shutting down: the run has to leave soon. */
  | { readonly kind: 'draining'; readonly message: string }
  /** Others need what the trio runs on: the run has to leave soon. */
  | { readonly kind: 'preempted'; readonly message: string }
  /** A service has been unreachable for too long: the run has to go elsewhere. */
  | { readonly kind: 'away'; readonly message: string };

/**
 * Gives trios to runs. All methods are idempotent for a claim. A trio need not exist before it is acquired, and who is given one is
 * decided by the queue, not here.
 */
export interface Placement {
  /** Whether a service of a trio that is gone is started again: the run keeps its trio then, and waits for it. */
  readonly restores: boolean;
  /** Runs that can have a trio at once, those that have one included. */
  capacity(): number;
  /** @throws TrikdError `invalid` for a request that can never be fulfilled */
  assertPossible(request: Partial<PlacementRequest>): void;
  /**
   * Resolves when the run has a trio: the one that the claim names, or else one that is ready.
   * @throws TrikdError `not-found` when there is no trio of that name, `wrong-state` when another run has it; the reason of the signal,
   * and then the claim is released, unless it names a trio
   */
  acquire(claim: Claim, signal: AbortSignal): Promise<TrioAddresses>;
  /** Why a claim that waits has no trio yet; undefined when it does not wait, and when only the other runs hold it up. */
  pending(claim: ClaimName): Wait | undefined;
  /** What happens to the trio of a claim, until the signal aborts or the claim is released. */
  watch(claim: Claim, signal: AbortSignal): AsyncIterable<PlacementNews>;
  /** The run does not need its trio any more. */
  release(claim: Claim): Promise<void>;
  /** All claims that hold a trio, or wait for one outside of this process. */
  list(): Promise<readonly Claim[]>;
  /** Resolves when the capacity may have changed, or when the signal aborts. */
  news(signal: AbortSignal): Promise<void>;
}

/** Trios by what can be done with them: taken by runs, ready to be taken, shutting down, or out of reach. */
export type TrioStates = Readonly<Record<'taken' | 'ready' | 'draining' | 'away', number>>;
