import { below, philox4x32 } from '@trikd/core/data/random';
import type { Point } from '@trikd/process/points';

/**
 * Who can be struck. Of the orchestrators it is the one that gets to the point: the leader. The store is a program of others, without
 * points: it is killed when so many steps were trained.
 */
export type Victim = 'teacher' | 'student' | 'anchor' | 'leader' | 'store';

export interface PlannedFault {
  readonly victim: Victim;
  readonly point: Point;
  readonly nth: number;
  readonly signal: 'SIGKILL' | 'SIGSTOP' | 'SIGTERM';
  /** How long a stopped process stays so, in milliseconds. */
  readonly stopMs: number;
  /** The point lies on the way back from a fault: another one is needed to get there. */
  readonly after?: PlannedFault;
}

/** Where a process is struck, and how often it may pass there before. */
type Place = readonly [point: Point, passes: number];

const STEPS: readonly Place[] = [
  ['frame.publishing', 60],
  ['frame.published', 60],
  ['frame.from-peer', 60],
  ['step.trained', 60],
  ['blob.writing', 3],
  ['blob.written', 3],
  ['checkpoint.stored', 2],
];

const PLACES: Readonly<Record<Victim, readonly Place[]>> = {
  teacher: [...STEPS, ['frame.from-anchor', 40], ['trainer.resting', 1]],
  student: [...STEPS, ['frame.from-anchor', 40], ['trainer.resting', 1]],
  anchor: [
    ['frame.publishing', 60],
    ['frame.publishing', 20],
  ],
  leader: [
    ['manifest.writing', 2],
    ['manifest.written', 2],
    ['state.writing', 2],
    ['state.written', 2],
    ['lease.writing', 3],
    ['lease.written', 3],
    ['object.removing', 4],
    ['object.removed', 4],
    ['pointer.writing', 1],
    ['pointer.written', 1],
  ],
  store: [['step.trained', 60]],
};

/** Where they are struck while they come back. */
const ON_THE_WAY_BACK: Readonly<Record<Victim, readonly Place[]>> = {
  teacher: [
    ['attempt.assigned', 1],
    ['blob.read', 1],
    ['attempt.begun', 1],
  ],
  student: [
    ['attempt.assigned', 1],
    ['blob.read', 1],
    ['attempt.begun', 1],
  ],
  anchor: [
    ['anchor.loading', 1],
    ['blob.read', 1],
    ['anchor.verified', 1],
    ['anchor.swapping', 1],
    ['anchor.swapped', 1],
  ],
  leader: [
    ['anchor.asking', 1],
    ['anchor.answered', 1],
    ['assign.asking', 2],
    ['assign.answered', 2],
    ['limit.asking', 2],
    ['state.writing', 1],
    ['lease.written', 1],
  ],
  store: [['step.trained', 1]],
};

/** Equally likely, but for the orchestrators: there are more places in them. */
const VICTIMS: readonly Victim[] = ['teacher', 'student', 'anchor', 'leader', 'leader', 'store'];

/** Draws numbers from 0 to bound - 1; the same for the same seed. */
export function dice(seed: number): (bound: number) => number {
  let drawn = 0;
  return (bound) => {
    const block = Uint32Array.of(drawn++, 0, 0, 0);
    philox4x32(block, seed, 0x7d1ce);
    return below(block[0]!, bound);
  };
}

/**
 * Draws a fault, and at times another one before it that brings a process to where it strikes.
 * @param generation in hand: an anchor that is not asked is not struck
 */
export function drawFault(draw: (bound: number) => number, generation: number): PlannedFault {
  const victims = generation === 0 ? VICTIMS.filter((victim) => victim !== 'anchor') : VICTIMS;
  const pick = <T>(list: readonly T[]): T => list[draw(list.length)]!;
  const victim = pick(victims);
  if (draw(4) > 0) return drawAt(draw, victim, pick(PLACES[victim]));
  const after = pick(victims);
  const first = drawAt(draw, after, pick(PLACES[after].slice(0, 4)));
  return { ...drawAt(draw, victim, pick(ON_THE_WAY_BACK[victim])), after: first };
}

function drawAt(draw: (bound: number) => number, victim: Victim, [point, passes]: Place): PlannedFault {
  if (victim === 'store') return { victim, point, nth: 1 + draw(passes), signal: 'SIGKILL', stopMs: 0 };
  const roll = draw(20);
  // Shorter than every deadline, or longer than the lease and the wait for a frame.
  const stopMs = draw(2) === 0 ? 200 : 4000;
  const signal = roll < 15 ? 'SIGKILL' : roll < 18 ? 'SIGSTOP' : 'SIGTERM';
  return { victim, point, nth: 1 + draw(passes), signal, stopMs };
}
