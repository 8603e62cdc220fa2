import { TrikdError } from '@trikd/core/domain/errors';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { advance } from '@trikd/core/run/advance';
import type { Placement as RunPlacement } from '@trikd/core/run/placement';
import { type Displacement, holdsTrio } from '@trikd/core/run/state';
import type { SavedRun } from '@trikd/core/run/stored/run-store';
import { mostReplicas } from '@trikd/core/stages/stages-of';
import type { Claim, Placement, TrioAddresses } from '../placement/placement.js';
import type { DrivenRun } from '../runs/driven-run.js';
import { followingLinks } from '../runs/following-links.js';
import type { TrioLinks } from '../runs/ports.js';
import type { RunServices } from '../runs/run-services.js';
import { rulesOf } from '../runs/run-services.js';
import { emitChanges } from '../runs/steering.js';
import type { StepSources } from '../runs/training/follow-steps.js';
import { displacement, displacementIn, watchTrio } from '../runs/trio-watch.js';
import { type DriveSignals, type DriveToRestPorts, driveToRest } from './drive-to-rest.js';

export interface HoldTrioPorts extends Omit<DriveToRestPorts, 'trainers' | 'anchor' | 'steps'> {
  /** Fails at once while it is away. */
  readonly store: ObjectStore;
  readonly placement: Placement;
  /** Connects to the services of a trio. */
  connect(trio: TrioAddresses): TrioLinks;
  /** How the durations of steps are followed. Default: they are not. */
  readonly steps?: Omit<StepSources, 'links'>;
}

/** What a leader takes on with a run. */
export interface Holding extends Omit<DriveSignals, 'stop'> {
  readonly term: number;
  readonly stop: AbortController;
  /** Gets each claim that is made. */
  claimed(claim: Claim): void;
  /** Gets the drive as soon as the run is this leader's. */
  takenOver(drive: DrivenRun): void;
}

/**
 * Gets a trio for a run, or takes the one that the run has, and drives it there. What the run asks for is in its record before anything
 * is asked for, and what it got before anything is started: a leader that dies in between leaves nothing that the next one cannot find.
 * @throws TrikdError as `takeOver` and `saveRun` do
 */
export async function holdTrio(
  run: SavedRun,
  ports: HoldTrioPorts,
  services: RunServices,
  holding: Holding,
): Promise<void> {
  const { placement, store } = ports;
  const { term, stop, drained, lost, claimed, takenOver } = holding;
  if (holdsTrio(run.state) && run.placement.trio === undefined) return displaceRun(run, ports, services, term);
  const { state } = run;
  const next = { ...run.placement, number: run.placement.number + 1 };
  const wanted = holdsTrio(state) ? run : await services.records.save(store, run, { state, placement: next, term });
  const claim = { ...claimOf({ runId: run.spec.name, placement: wanted.placement }), replicas: mostReplicas(run.spec) };
  claimed(claim);
  const left = AbortSignal.any([drained, stop.signal, lost]);
  let trio: TrioAddresses;
  try {
    trio = await placement.acquire(claim, left);
  } catch (error) {
    const by = displacementIn(stop.signal.reason);
    // It still holds its trio: without this it would be taken on again and again.
    if (by && holdsTrio(state) && !drained.aborted && !lost.aborted)
      return displaceRun(wanted, ports, services, term, by);
    if (left.aborted) return;
    if (claim.trio === undefined || !(error instanceof TrikdError)) throw error;
    const away = { why: 'trio-away', message: error.message } as const;
    return displaceRun(wanted, ports, services, term, displacementIn(error) ?? away);
  }
  const links = followingLinks(trio, ports.connect);
  const released = new AbortController();
  let driven: DrivenRun | undefined;
  const displace = (by: Displacement) => stop.abort(displacement(by));
  const watch = watchTrio(placement.watch(claim, released.signal), {
    gone: displace,
    moved: links.moved,
    incident: (incident) => {
      services.log.incident(driven?.view() ?? wanted, incident);
      driven?.incident(incident);
    },
  });
  const { trainers, anchor } = links;
  const { steps: sources, ...others } = ports;
  const steps = sources && { steps: { ...sources, links: links.steps } };
  try {
    await driveToRest(
      wanted,
      term,
      { ...others, trainers, anchor, ...steps },
      services,
      { drained, stop: stop.signal, lost },
      {
        name: trio.name,
        watch,
        displace,
        restores: placement.restores,
        hasAlternative: async () => !placement.restores && (await placement.list()).length < placement.capacity(),
      },
      (drive) => {
        driven = drive;
        takenOver(drive);
      },
    );
  } finally {
    released.abort();
    links.close();
  }
}

/** The claim of a run that has a trio or has asked for one. */
export function claimOf({ runId, placement }: { readonly runId: string; readonly placement: RunPlacement }): Claim {
  const { since: _, ...asked } = placement;
  return { runId, ...asked };
}

/** Queues a run whose trio is not there any more. */
async function displaceRun(
  run: SavedRun,
  ports: HoldTrioPorts,
  services: RunServices,
  term: number,
  by?: Displacement,
): Promise<void> {
  const state = advance(run.state, { kind: 'displaced', ...(by && { by }) }, rulesOf(run.spec, ports));
  const queued = await services.records.save(ports.store, run, { state, term });
  await emitChanges(services, term, run.state, queued);
}
