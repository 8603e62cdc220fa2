import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cell } from './cells.ts';
import { type Lag, startDistributed } from './distributed.ts';
import { type LineProcess, startLineProcess } from './line-process.ts';
import { networksOf } from './networks.ts';
import type { Peer } from './peer-names.ts';
import type { Contestant } from './rounds.ts';
import { cellSpec, type Kernels, THREADS } from './trio-spec.ts';

/** Where PyTorch is, and where it keeps what it compiles. */
export interface PyTorch {
  readonly python: string;
  readonly cache: string;
}

/** A peer that is at rest; PyTorch tells its version. */
export interface StartedPeer extends Contestant {
  readonly name: Peer;
  readonly torch?: string;
  /** How late the event loops of services were in the last turn, once they have ended. */
  lags?(): Promise<Readonly<Record<string, Lag>>>;
  /** Numbers in the params of each model, if it tells. */
  readonly params?: Readonly<Record<string, number>>;
}

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** Services exchange logits: a student alone has nobody to exchange them with. Own kernels compute in float32 alone. */
export function takesPart(peer: Peer, { models, precision }: Cell): boolean {
  if (peer.startsWith('services') && networksOf(models).teacher === undefined) return false;
  return !peer.endsWith('-tensorflow') || precision === 'float32';
}

/** @throws Error with a sentence if the peer cannot be started here */
export function startPeer(peer: Peer, cell: Cell, pytorch: PyTorch): Promise<StartedPeer> {
  switch (peer) {
    case 'services':
      return startServices(peer, cell);
    case 'services-tensorflow':
      return startServices(peer, cell, 'tensorflow');
    case 'one-process':
      return startOneProcess(peer, cell);
    case 'one-process-tensorflow':
      return startOneProcess(peer, cell, 'tensorflow');
    case 'eager':
    case 'compile':
      return startPyTorch(peer, cell, pytorch);
  }
}

async function startServices(name: Peer, cell: Cell, kernels?: Kernels): Promise<StartedPeer> {
  return { ...(await startDistributed('services', cellSpec(cell, kernels))), name };
}

async function startOneProcess(name: Peer, cell: Cell, kernels?: Kernels): Promise<StartedPeer> {
  const child = startLineProcess(process.execPath, [path('one-process.ts')]);
  await setUp(child, `setup ${modeOf(cell)} ${JSON.stringify(cellSpec(cell, kernels))}`);
  return lineContestant(name, child);
}

function modeOf({ models }: Cell): 'solo' | 'trio' {
  return networksOf(models).teacher === undefined ? 'solo' : 'trio';
}

/** With channels last. Idle OpenMP threads sleep instead of burning a core that another side measures on. */
async function startPyTorch(name: 'eager' | 'compile', cell: Cell, { python, cache }: PyTorch): Promise<StartedPeer> {
  const child = startLineProcess(python, [path('pytorch/peer.py')], {
    OMP_WAIT_POLICY: 'PASSIVE',
    OMP_NUM_THREADS: String(THREADS),
    TORCHINDUCTOR_CACHE_DIR: join(cache, 'inductor'),
  });
  const { student, teacher } = networksOf(cell.models);
  const { batch, classes, precision } = cell;
  const options = { threads: THREADS, student, teacher: teacher ?? student, batch, classes, precision };
  const more = { channelsLast: true, clipNorm: 5, compile: name === 'compile' };
  const { torch, params } = (await setUp(
    child,
    `setup ${modeOf(cell)} ${JSON.stringify({ ...options, ...more })}`,
  )) as { torch: string; params: Record<string, number> };
  return { ...lineContestant(name, child), torch, params };
}

/** Ends the program if it refuses. */
async function setUp(child: LineProcess, line: string): Promise<unknown> {
  try {
    return await child.ask(line);
  } catch (error) {
    await child.end();
    throw error;
  }
}

function lineContestant<Name extends string>(name: Name, child: LineProcess) {
  return {
    name,
    pids: { [name]: child.pid },
    async step(count: number) {
      const { ms } = (await child.ask(`step ${count}`)) as { ms: number[] };
      return ms;
    },
    end: () => child.end(),
  };
}
