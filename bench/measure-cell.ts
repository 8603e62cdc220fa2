import type { Cell } from './cells.ts';
import { paramsOf } from './limits.ts';
import type { Peer } from './peer-names.ts';
import { type PyTorch, type StartedPeer, startPeer, takesPart } from './peers.ts';
import type { CellRecord, Milliseconds } from './records.ts';
import { countedAgain, peakResident, resetPeak } from './resident-memory.ts';
import { summarise } from './statistics.ts';

/** How much is measured. */
export interface Plan {
  readonly rounds: number;
  /** Seconds of a turn, of as many whole steps as fit into it for the slowest; at least one. */
  readonly turn: number;
  /** Steps of each peer before anything counts. */
  readonly warmup: number;
}

export const USUAL_PLAN: Plan = { rounds: 6, turn: 4, warmup: 3 };
/** Says whether everything works, and nothing of the speed. */
export const QUICK_PLAN: Plan = { rounds: 2, turn: 0, warmup: 1 };

type Measured = Pick<CellRecord, 'rounds' | 'steps' | 'torch' | 'peers' | 'lags' | 'missing'>;

/** A peer that is warm, its usual step in milliseconds, and the times of the steps of its turns. */
interface Playing {
  readonly peer: StartedPeer;
  readonly usual: number;
  readonly turns: (readonly number[])[];
}

/**
 * The step of a cell, all peers in turns: what makes the machine slower for a while makes it slower for all. A peer that cannot start, or
 * dies, is missing; the others go on without it.
 */
export async function measureCell(cell: Cell, peers: readonly Peer[], plan: Plan, pytorch: PyTorch): Promise<Measured> {
  const missing: Partial<Record<Peer, string>> = {};
  const without = (peer: Peer) => (error: unknown) => {
    missing[peer] = sentenceOf(error);
    console.log(`  without ${peer}: ${missing[peer]}`);
    return undefined;
  };
  const playing: Playing[] = [];
  let played: Omit<Measured, 'lags'>;
  try {
    for (const name of peers.filter((each) => takesPart(each, cell))) {
      const warm = await startWarm(name, cell, plan.warmup, pytorch).catch(without(name));
      if (warm) playing.push(warm);
    }
    const steps = stepsOfTurn(playing, plan.turn);
    for (const { peer } of playing) for (const pid of Object.values(peer.pids ?? {})) resetPeak(pid);
    for (let round = 0; round < plan.rounds; round++) {
      for (const each of [...playing]) {
        const times = await each.peer.step(steps).catch(without(each.peer.name));
        if (times) each.turns.push(times.map(toMicroseconds));
        else await leave(playing, each);
      }
    }
    const torch = playing.map(({ peer }) => peer.torch).find((version) => version !== undefined);
    const summaries = playing.map((each) => [each.peer.name, summed(each)] as const);
    played = {
      ...{ rounds: plan.rounds, steps, ...(torch !== undefined && { torch }) },
      ...{ peers: Object.fromEntries(summaries), missing },
    };
  } finally {
    for (const { peer } of playing) await peer.end();
  }
  const lags = await playing.find(({ peer }) => peer.lags)?.peer.lags?.();
  return { ...played, ...(lags && { lags }) };
}

/** As many as the slowest does in a turn, at least one. */
function stepsOfTurn(playing: readonly Playing[], seconds: number): number {
  const slowest = Math.max(1, ...playing.map(({ usual }) => usual));
  return Math.max(1, Math.floor((1000 * seconds) / slowest));
}

async function startWarm(name: Peer, cell: Cell, warmup: number, pytorch: PyTorch): Promise<Playing> {
  const peer = await startPeer(name, cell, pytorch);
  try {
    assertSameNetworks(cell, peer);
    await peer.step(warmup);
    return { peer, usual: summarise(await peer.step(1)).median, turns: [] };
  } catch (error) {
    await peer.end();
    throw error;
  }
}

async function leave(playing: Playing[], left: Playing): Promise<void> {
  playing.splice(playing.indexOf(left), 1);
  await left.peer.end();
}

function summed({ peer, turns }: Playing): Milliseconds {
  const peakMemory = Object.entries(peer.pids ?? {}).map(([name, pid]) => [name, peakResident(pid)]);
  return {
    ...summarise(turns.flat()),
    roundMedians: turns.map((turn) => summarise(turn).median),
    peakMemory: Object.fromEntries(peakMemory),
    countedAgain: countedAgain(Object.values(peer.pids ?? {})),
  };
}

/** Networks of another size would make the comparison worthless. */
function assertSameNetworks(cell: Cell, { name, params }: StartedPeer): void {
  for (const [role, numbers] of Object.entries(paramsOf(cell))) {
    const theirs = params?.[role];
    if (theirs !== undefined && theirs !== numbers)
      throw new Error(`the ${role} of ${name} has ${theirs} numbers instead of ${numbers}`);
  }
}

function sentenceOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().split('\n').slice(0, 3).join(' ');
}

/** Milliseconds to three decimals: the line of a cell stays readable. */
function toMicroseconds(ms: number): number {
  return Math.round(1000 * ms) / 1000;
}
