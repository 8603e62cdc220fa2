import { z } from 'zod';
import { holdsTrio, type RunState, Time } from './state.js';

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
