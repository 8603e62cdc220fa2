import { below, philox4x32 } from '@trikd/core/data/random';
import type { FaultPoint } from '@trikd/process/fault-points';
import { PROMOTION_PATH } from './promotion-path.js';

/**
 * The processes that faults strike. Of the orchestrators it is the one that reaches the point: the leader. The store is not ours and has
 * no points: it is killed after a number of trained steps.
 */
export type Victim = 'teacher' | 'student' | 'anchor' | 'leader' | 'store';

export interface PlannedFault {
  readonly victim: Victim;
  readonly point: FaultPoint;
  readonly nth: number;
  readonly signal: 'SIGKILL' | 'SIGSTOP' | 'SIGTERM';
  /** How long a stopped process stays so, in milliseconds. */
  readonly stopMs: number;
  /** A fault that comes before, since the point is only reached on recovery. */
  readonly after?: PlannedFault;
}

/** Where a process is struck, and how often it may pass there before. */
type Place = readonly [point: FaultPoint, passes: number];

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

/** Where they are struck while they recover from another fault. */
const ON_THE_WAY_BACK: Readonly<Record<Victim, readonly Place[]>> = {
  teacher: [
    ['attempt.assigned', 1],
    ['blob.read', 1],
    ['attempt.started', 1],
  ],
  student: [
    ['attempt.assigned', 1],
    ['blob.read', 1],
    ['attempt.started', 1],
  ],
  anchor: [
    ['anchor.loading', 1],
    ['blob.read', 1],
    ['anchor.verified', 1],
    ['anchor.swapping', 1],
    ['anchor.swapped', 1],
  ],
  leader: [
    ['anchor.requesting', 1],
    ['anchor.acknowledged', 1],
    ['assign.requesting', 2],
    ['assign.acknowledged', 2],
    ['limit.requesting', 2],
    ['state.writing', 1],
    ['lease.written', 1],
  ],
  store: [['step.trained', 1]],
};

/** Equally likely, but for the orchestrators, which have more places. */
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

/** Faults that are to happen in one test. */
export interface FaultPlan {
  /** Faults that have not happened. */
  readonly left: number;
  /**
   * The next of them, which may be asked for again until it has happened.
   * @param stage of the run: without an anchor in generation 0, none is struck there
   */
  next(stage: number): PlannedFault;
  /** Is called with each fault that happened. */
  happened(fault: PlannedFault): void;
}

/** So many faults, drawn one by one. */
export function drawnFaults(count: number, draw: (bound: number) => number): FaultPlan {
  let left = count;
  return {
    get left() {
      return left;
    },
    next: (stage) => drawFault(draw, stage),
    happened() {
      left -= 1;
    },
  };
}

/** Passes after which a fault at every point strikes: steps are what such a plan would wait for most. */
const SOON = 6;

/**
 * A fault at every point of trainers, anchor and store, in an order that is drawn. Each point that is reached on recovery gets one
 * of the other faults before it. The leader is struck at a point that is drawn and at those that no promotion passes: the test of promotions
 * strikes it at all the others.
 */
export function faultAtEveryPoint(draw: (bound: number) => number): FaultPlan {
  const ofPromotions = new Set(PROMOTION_PATH.map(([point]) => point));
  const trainer = (): Victim => (draw(2) === 0 ? 'teacher' : 'student');
  const placesIn = (places: Readonly<Record<Victim, readonly Place[]>>) =>
    Object.values({
      ...Object.fromEntries(places.teacher.map((place) => [place[0], { victim: trainer(), place }])),
      ...atPlaces('anchor', places.anchor),
      ...atPlaces('leader', places.leader),
      ...atPlaces('store', places.store),
    });
  const soon = (victim: Victim, [point, passes]: Place) => drawAt(draw, victim, [point, Math.min(passes, SOON)]);
  const ofLeader = (places: readonly Place[], wanted: boolean) =>
    places.filter(([point]) => ofPromotions.has(point) === wanted);
  // The recovery from a fault at the pointer may be over before the second fault is armed.
  const once = ofLeader(PLACES.leader, true).filter(([point]) => !point.startsWith('pointer.'));
  const leader = [...ofLeader(PLACES.leader, false), once[draw(once.length)]!];
  const others = shuffled(draw, placesIn({ ...PLACES, leader })).map(({ victim, place }) => soon(victim, place));
  const back = placesIn({ ...ON_THE_WAY_BACK, leader: ofLeader(ON_THE_WAY_BACK.leader, false) });
  let pending: readonly PlannedFault[] = [
    ...shuffled(draw, back).map(({ victim, place }) => {
      const after = others.pop();
      return { ...soon(victim, place), ...(after && { after: { ...after, signal: 'SIGKILL' as const } }) };
    }),
    ...others,
  ];
  const strikesAnchor = ({ victim, after }: PlannedFault) => victim === 'anchor' || after?.victim === 'anchor';
  return {
    get left() {
      return pending.length;
    },
    next(stage) {
      const fault = pending.find((each) => stage > 0 || !strikesAnchor(each)) ?? pending[0];
      if (!fault) throw new RangeError('every fault has happened');
      // A fault that does not happen before the run ends comes again after the others.
      pending = [...pending.filter((each) => each !== fault), fault];
      return fault;
    },
    happened(fault) {
      pending = pending.filter((each) => each !== fault);
    },
  };
}

/** By victim and point, so that a point with several places counts once. */
function atPlaces(victim: Victim, places: readonly Place[]) {
  return Object.fromEntries(places.map((place) => [`${victim} ${place[0]}`, { victim, place }]));
}

export function shuffled<T>(draw: (bound: number) => number, list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, key: draw(2 ** 31) }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** Draws a fault, and for one in four another one before it, on whose recovery it strikes. */
function drawFault(draw: (bound: number) => number, stage: number): PlannedFault {
  const victims = stage === 0 ? VICTIMS.filter((victim) => victim !== 'anchor') : VICTIMS;
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
  // Shorter than every deadline, or longer than the lease and the step timeout.
  const stopMs = draw(2) === 0 ? 200 : 4000;
  const signal = roll < 15 ? 'SIGKILL' : roll < 18 ? 'SIGSTOP' : 'SIGTERM';
  return { victim, point, nth: 1 + draw(passes), signal, stopMs };
}
