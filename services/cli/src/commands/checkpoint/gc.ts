import type { Clock } from '@trikd/core/async/clock';
import { TrikdError } from '@trikd/core/domain/errors';
import { collectLeftovers } from '@trikd/core/run/stored/collector';
import { createCandidate, type Leadership } from '@trikd/core/run/stored/lease';
import { loadRun } from '@trikd/core/run/stored/run-store';
import { systemClock } from '@trikd/process/system-clock';
import { formatted, size } from '../../terminal/texts.js';
import type { GcOptions } from './command.js';
import { type OpenRun, openRun } from './open-run.js';

/** Objects that were removed, or would be. */
export interface Collected {
  readonly runId: string;
  readonly removed: readonly string[];
  readonly bytes: number;
}

/** Duration of a lease, in seconds: the default of orchestrators. */
const LEASE_SECONDS = 5;

/** `trikd checkpoint gc`. */
export async function gc(options: GcOptions, env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const run = await openRun(options.runId, options.from, env);
  return reportOf(await collect(run, options.dryRun, systemClock), options);
}

/**
 * Removes what attempts that are over have left behind, while no orchestrator drives the run.
 * @throws TrikdError 'wrong-state' when one does
 */
export async function collect(run: OpenRun, dryRun: boolean, clock: Clock): Promise<Collected> {
  const runId = run.spec.name;
  const leadership = await lead(run, clock);
  try {
    // Read again: now no orchestrator writes it.
    const { state } = await loadRun(run.store, runId);
    const sizes = new Map<string, number>();
    for (const key of await run.store.list(`runs/${runId}/`)) sizes.set(key, (await run.store.size(key)) ?? 0);
    const store = dryRun ? { ...run.store, remove: async () => undefined } : run.store;
    const removed = await collectLeftovers(store, runId, state);
    return { runId, removed, bytes: removed.reduce((sum, key) => sum + (sizes.get(key) ?? 0), 0) };
  } finally {
    await leadership.release();
  }
}

async function lead(run: OpenRun, clock: Clock): Promise<Leadership> {
  const late = new AbortController();
  const patience = new AbortController();
  const holder = `trikd checkpoint gc ${process.pid} ${crypto.randomUUID()}`;
  const message = `an orchestrator drives run ${run.spec.name}: it removes leftovers by itself`;
  void clock
    .sleep(1500 * LEASE_SECONDS, patience.signal)
    .then(() => late.abort(new TrikdError('wrong-state', message)))
    .catch(() => undefined);
  try {
    return await createCandidate({ store: run.store, clock, holder, seconds: LEASE_SECONDS }).campaign(late.signal);
  } finally {
    patience.abort();
  }
}

function reportOf(collected: Collected, { output, dryRun }: GcOptions): string {
  if (output !== 'table') return formatted({ ...collected, dryRun }, output);
  const { removed, bytes } = collected;
  const count = removed.length === 1 ? '1 object' : `${removed.length} objects`;
  const sentence = `${dryRun ? 'would remove' : 'removed'} ${count}, ${size(bytes)}`;
  return [...removed, removed.length === 0 ? 'nothing is left behind' : sentence].join('\n');
}
