import { createBackoff } from '@trikd/core/async/backoff';
import { createBell } from '@trikd/core/async/bell';
import type { Clock } from '@trikd/core/async/clock';
import { orAborted } from '@trikd/core/async/within';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Wait } from '@trikd/core/run/queue';
import type { Logger } from '@trikd/process/logging';
import { displacement } from '../../runs/trio-watch.js';
import type { TrioStates } from '../placement.js';
import {
  type Claim,
  type ClaimName,
  claimKey,
  type Incident,
  type Placement,
  type TrioAddresses,
} from '../placement.js';
import type { KubernetesApi } from './kubernetes-api.js';
import type { JobSet } from './objects.js';
import { claimIn, nameOf } from './objects.js';
import { type JobSetRules, type JobSetTemplate, jobSetOf } from './template.js';
import { incidentsOf, newsOf, type TrioState, trioStateOf } from './trio-state.js';
import { followTrios } from './trios.js';

export interface JobSetPlacementPorts {
  readonly api: KubernetesApi;
  readonly rules: JobSetRules;
  /** By class. */
  readonly templates: ReadonlyMap<string, JobSetTemplate>;
  /** Of runs that name none; absent: they have to name one. */
  readonly defaultClass?: string;
  /** JobSets at once, at most. */
  readonly most: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Aborts when the cluster is not followed any more. */
  readonly stopped: AbortSignal;
}

/** Makes a JobSet of Kubernetes for each claim. Who has which is known to Kubernetes, and to the records of the runs. */
export interface JobSetPlacement extends Placement {
  states(): TrioStates;
}

/** What this process knows of a claim that Kubernetes does not. */
interface Held {
  /** The trio that the run was given. */
  trio?: TrioAddresses;
  waits: boolean;
  /** Why the JobSet cannot be made at the moment. */
  refused?: Wait | undefined;
  /** Incidents that were reported, as far as their pods still know them. */
  reported: ReadonlySet<string>;
}

const BACKOFF = { firstMs: 500, maxMs: 15_000 };
/** Seconds between two tries to delete a JobSet. */
const DELETION = 10;

export function jobSetPlacement(ports: JobSetPlacementPorts): JobSetPlacement {
  const { api, rules, templates, defaultClass, most, clock, random, log, stopped } = ports;
  const changed = createBell();
  const freed = createBell();
  const held = new Map<string, Held>();
  /** When the last deletion of a JobSet was asked for, by uid. */
  const deletions = new Map<string, number>();
  const trios = followTrios({
    ...{ api, clock, random, stopped, changed: changed.ring },
    trouble(reason) {
      if (reason === undefined) log.info('Kubernetes answers again');
      else log.warn({ reason }, 'waiting for Kubernetes');
    },
  });

  const nameFor = (claim: ClaimName) => nameOf(claim, rules.instance);
  const claimOf = (jobSet: JobSet) => claimIn(jobSet, rules.instance);
  const stateOf = (name: string): TrioState => trioStateOf(trios.get(name));

  function holding(claim: ClaimName): Held {
    const known = held.get(claimKey(claim)) ?? { waits: false, reported: new Set() };
    held.set(claimKey(claim), known);
    return known;
  }

  function templateOf(kind: string | undefined): JobSetTemplate {
    const name = kind ?? defaultClass;
    const template = name === undefined ? undefined : templates.get(name);
    if (template) return template;
    const known = [...templates.keys()].toSorted().join(', ');
    const message =
      name === undefined
        ? `a run has to name its class: one of ${known}`
        : `there is no class ${name}: there are ${known}`;
    throw new TrikdError('invalid', message, { field: 'placement.class' });
  }

  /** Incidents that were not reported before. */
  function newIncidents(claim: ClaimName): readonly Incident[] {
    const known = holding(claim);
    const all = incidentsOf(trios.get(nameFor(claim)));
    const found = all.filter(({ key }) => !known.reported.has(key));
    known.reported = new Set(all.map(({ key }) => key));
    return found.map(({ key: _, ...incident }) => incident);
  }

  function logIncidents(claim: ClaimName): void {
    for (const { role, reason, message } of newIncidents(claim)) {
      log.info({ runId: claim.runId, role, kind: reason, reason: message }, 'trio incident');
    }
  }

  /** @throws TrikdError `wrong-state` when another maker has used the name; as the API does otherwise */
  async function make(claim: Claim, template: JobSetTemplate): Promise<void> {
    const made = await api.create(jobSetOf(template, claim, rules));
    const there = made === 'exists' ? await api.get(nameFor(claim)) : made;
    if (!there) return;
    const owner = claimOf(there);
    if (owner?.runId === claim.runId && owner.number === claim.number) return trios.put(there);
    const name = there.metadata.name;
    throw new TrikdError(
      'wrong-state',
      `there is a JobSet ${name} that this orchestrator did not make: delete or rename it`,
    );
  }

  /** Makes the JobSet of a claim, and waits until all of its pods are ready. */
  async function acquireNew(claim: Claim, template: JobSetTemplate, signal: AbortSignal): Promise<TrioAddresses> {
    const backoff = createBackoff({ ...BACKOFF, random });
    const known = holding(claim);
    for (;;) {
      signal.throwIfAborted();
      const state = stateOf(nameFor(claim));
      logIncidents(claim);
      if (state.kind === 'ready') return state.trio;
      if (state.kind === 'over') throw new TrikdError('unavailable', state.message);
      if (state.kind !== 'absent') {
        known.refused = undefined;
        await orAborted(changed.heard(signal), signal);
        continue;
      }
      try {
        await orAborted(make(claim, template), signal);
        backoff.reset();
      } catch (error) {
        if (signal.aborted || !(error instanceof TrikdError) || error.kind === 'wrong-state') throw error;
        refuse(claim, known, error);
        await clock.sleep(backoff.next(), signal);
      }
    }
  }

  function refuse({ runId }: Claim, known: Held, { kind, message }: TrikdError): void {
    const reason = kind === 'exhausted' ? 'QuotaWait' : 'Starting';
    const sentence = `the JobSet cannot be created: ${message}`;
    if (known.refused?.message !== sentence) log.warn({ runId, reason: message }, 'a JobSet cannot be created');
    known.refused = { reason, message: sentence };
  }

  /** Waits until all pods of a trio that the run has already are ready. */
  async function acquireAgain(claim: Claim, name: string, signal: AbortSignal): Promise<TrioAddresses> {
    for (;;) {
      signal.throwIfAborted();
      if (trios.synced()) {
        const state = stateOf(name);
        const { jobSet } = trios.get(name);
        const owner = jobSet && claimOf(jobSet);
        if (owner && owner.runId !== claim.runId)
          throw new TrikdError('wrong-state', `trio ${name} belongs to run ${owner.runId} now`);
        if (state.kind === 'ready') return state.trio;
        if (state.kind === 'absent' || state.kind === 'over' || state.kind === 'deleting')
          throw new TrikdError('not-found', state.message);
        if (state.kind === 'suspended') throw displacement({ why: 'preempted', message: state.wait.message });
        if (state.disrupted !== undefined) throw displacement({ why: 'preempted', message: state.disrupted });
      }
      await orAborted(changed.heard(signal), signal);
    }
  }

  /** Whether a JobSet is being deleted, as Kubernetes says or because this process has just asked for it. */
  function isLeaving({ metadata: { uid, deletionTimestamp } }: JobSet): boolean {
    return (
      deletionTimestamp !== undefined ||
      clock.now() - (deletions.get(uid) ?? Number.NEGATIVE_INFINITY) < 1000 * DELETION
    );
  }

  async function release(claim: ClaimName): Promise<void> {
    const known = held.get(claimKey(claim));
    if (known) logIncidents(claim);
    held.delete(claimKey(claim));
    changed.ring();
    freed.ring();
    try {
      const jobSet = trios.get(nameFor(claim)).jobSet ?? (known && (await api.get(nameFor(claim))));
      if (!jobSet || isLeaving(jobSet) || !claimOf(jobSet)) return;
      const { name, uid } = jobSet.metadata;
      for (const [each, at] of deletions) if (clock.now() - at >= 1000 * DELETION) deletions.delete(each);
      deletions.set(uid, clock.now());
      await api.delete(name, uid);
      log.info({ runId: claim.runId, trio: name }, 'JobSet deleted');
    } catch (error) {
      // It is listed again, and then released again.
      if (!(error instanceof TrikdError) || error.kind !== 'unavailable') throw error;
    } finally {
      freed.ring();
    }
  }

  return {
    restores: true,
    capacity: () => most,
    assertPossible: ({ class: kind }) => void templateOf(kind),
    async acquire(claim, signal) {
      const template = claim.trio === undefined ? templateOf(claim.class) : undefined;
      const known = holding(claim);
      known.waits = true;
      try {
        const trio = template
          ? await acquireNew(claim, template, signal)
          : await acquireAgain(claim, claim.trio ?? nameFor(claim), signal);
        known.trio = trio;
        return trio;
      } catch (error) {
        if (template) void release(claim).catch(() => undefined);
        throw error;
      } finally {
        known.waits = false;
      }
    },
    pending(claim) {
      const known = held.get(claimKey(claim));
      if (!known?.waits) return undefined;
      const name = nameFor(claim);
      const state = stateOf(name);
      if (known.refused) return known.refused;
      if (state.kind === 'suspended' || state.kind === 'unready') return state.wait;
      if (!trios.synced()) return { reason: 'Starting', message: 'Kubernetes has not answered yet' };
      return { reason: 'Starting', message: `trio ${name} is being created` };
    },
    async *watch(claim, signal) {
      const known = held.get(claimKey(claim));
      let last = 'back';
      while (known?.trio && !signal.aborted && held.get(claimKey(claim)) === known) {
        const incidents = newIncidents(claim);
        for (const incident of incidents) yield { kind: 'incident', ...incident };
        if (incidents.length > 0) continue;
        const news = newsOf(stateOf(known.trio.name), known.trio);
        const text = news.kind === 'moved' ? news.kind : `${news.kind} ${'message' in news ? news.message : ''}`.trim();
        if (news.kind === 'moved') known.trio = news.trio;
        if (text === last) await changed.heard(signal);
        else {
          last = news.kind === 'moved' ? 'back' : text;
          yield news;
        }
      }
    },
    release,
    list: async () =>
      [...trios.jobSets()].flatMap((jobSet) => {
        const claim = claimOf(jobSet);
        return claim && !isLeaving(jobSet) ? { ...claim, priority: 0 } : [];
      }),
    news: async (signal) => {
      await orAborted(freed.heard(signal), signal).catch(() => undefined);
    },
    states() {
      const given = new Set([...held.values()].map(({ trio }) => trio?.name));
      const count = { taken: 0, draining: 0, away: 0 };
      for (const jobSet of trios.jobSets()) {
        const { name } = jobSet.metadata;
        const { kind } = stateOf(name);
        if (kind === 'deleting') count.draining += 1;
        else if (kind === 'ready' || !given.has(name)) count.taken += 1;
        else count.away += 1;
      }
      return { ...count, ready: Math.max(0, most - count.taken - count.away) };
    },
  };
}
