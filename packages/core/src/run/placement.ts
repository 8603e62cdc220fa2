import { z } from 'zod';
import { TrikdError } from '../domain/errors.js';
import {
  type Displacement,
  type Failed,
  holdsTrio,
  LONGEST_REASON,
  type Preparing,
  type Promoting,
  type Queued,
  type RunState,
  shortened,
  Time,
  type Training,
} from './state.js';
import { failsAgain } from './verbs.js';

/** A run with a higher priority is placed first. */
export const Priority = z.int().min(-100).max(100);

/** Characters of the name of a class, a queue or a trio, at most: a label value of Kubernetes. */
export const LONGEST_NAME = 63;
const Name = z.string().min(1).max(LONGEST_NAME);

/** Who created a run. It never changes. */
export const Owner = z
  .strictObject({ subject: z.string().min(1).max(256), team: z.string().min(1).max(256).exactOptional() })
  .readonly();
export type Owner = z.infer<typeof Owner>;

/** What the creator of a run asks of its placement. It decides no bit of the result. */
export const PlacementRequest = z
  .strictObject({
    priority: Priority.default(0).describe('a run with a higher one is placed first'),
    class: Name.exactOptional().describe('kind of trio'),
    queue: Name.exactOptional().describe('queue of the cluster'),
  })
  .readonly();
export type PlacementRequest = z.infer<typeof PlacementRequest>;

/** The place of a run in the queue, and its trio. */
export const Placement = z
  .strictObject({
    ...PlacementRequest.unwrap().shape,
    priority: Priority,
    number: z.int().nonnegative().describe('rises before each request for a trio; 0: the run was never placed'),
    since: Time.exactOptional().describe('when the run entered the queue; it keeps its place when it loses a trio'),
    trio: Name.exactOptional().describe('the trio that the run has; absent while it has none'),
  })
  .readonly();
export type Placement = z.infer<typeof Placement>;

/** The placement of a new run. @param at the time */
export function placementOfNew(request: Partial<PlacementRequest> = {}, at?: string): Placement {
  return { priority: 0, ...request, number: 0, ...(at !== undefined && { since: at }) };
}

/** The placement of a run after its state is replaced: a run in a phase without a trio has none, and one that begins to wait waits from then on. */
export function placementAfter(placement: Placement, before: RunState, after: RunState, at?: string): Placement {
  if (holdsTrio(after)) return placement;
  const { trio: _, ...rest } = placement;
  const begins = after.phase === 'queued' && before.phase !== 'queued' && !holdsTrio(before);
  return begins && at !== undefined ? { ...rest, since: at } : rest;
}

/** A candidate that waits to be judged is judged; otherwise the stage begins or goes on. */
export function placed({ displaced: _, outcome, frozen, ...state }: Queued): Preparing | Promoting {
  if (!outcome || !state.facts) return { ...state, phase: 'preparing' };
  return { ...state, phase: 'promoting', facts: state.facts, outcome, ...(frozen && { frozen }) };
}

/** The next attempt fences out the processes of the lost trio. It is no loss of the run's. */
export function displaced(state: Preparing | Training | Promoting, by: Displacement | undefined): Queued {
  return {
    ...restarted(state),
    phase: 'queued',
    ...(state.phase === 'promoting' && { attempt: state.attempt }),
    ...unjudged(state),
    ...(by && { displaced: { why: by.why, message: shortened(by.message, LONGEST_REASON) } }),
  };
}

/** The next attempt at the same stage, from its last committed pair. */
export function restarted(state: Exclude<RunState, { phase: 'completed' }>): Preparing {
  const { stage, attempt, results, moves, pairs, losses, anchor, facts, imported } = state;
  return {
    phase: 'preparing',
    stage,
    attempt: attempt + 1,
    results,
    moves,
    pairs,
    losses,
    ...(anchor && { anchor }),
    ...(facts && { facts }),
    ...(imported && { imported }),
  };
}

/** What a run that leaves its trio keeps of a candidate that is not judged yet. */
export function unjudged(state: RunState): Pick<Queued, 'outcome' | 'frozen'> {
  const { outcome, frozen } = 'outcome' in state ? state : {};
  return outcome ? { outcome, ...(frozen && { frozen }) } : {};
}

/** A failed run that waits for a trio, for the next attempt. @throws TrikdError `wrong-state` when it would fail again */
export function revived(state: Failed): Queued {
  if (!failsAgain(state.kind)) return { ...restarted(state), phase: 'queued', losses: 0 };
  throw new TrikdError(
    'wrong-state',
    `the run failed in stage ${state.stage} and would fail again: ${state.reason}; ` +
      'change its spec (lower learningRate, more warmupSteps, smaller clipNorm) and start a new run',
  );
}
